"""What models really write when they mean a tool call, each with what must come of it.

All of them were written for these tests, after kinds of mistakes that models are known for. A case is a name,
the text, and either the calls that it must give (tool and arguments), or the code of the complaint. ``CUT``
are answers that ended at the limit of their length.
"""

# ruff: noqa: E501 - what models write has long lines
from __future__ import annotations

from typing import Any

JSON = dict[str, Any]
Calls = list[tuple[str, JSON]]
Case = tuple[str, str, "Calls | str"]

OFFERED = (
    "read_file",
    "write_file",
    "list_directory",
    "run_command",
    "update_issue_status",
    "add_issue_comment",
)

READ: Calls = [("read_file", {"path": "a.txt"})]
HELLO: Calls = [("write_file", {"path": "a.py", "content": 'print("hi")\n'})]
BRACES: Calls = [("write_file", {"path": "a.js", "content": "function f() { return '}'; }"})]
DONE: Calls = [("update_issue_status", {"status": "done"})]
LIST: Calls = [("list_directory", {})]

PLAIN: list[Case] = [
    ("our own shape", '{"tool": "read_file", "arguments": {"path": "a.txt"}}', READ),
    ("args", '{"tool": "read_file", "args": {"path": "a.txt"}}', READ),
    ("name and arguments", '{"name": "read_file", "arguments": {"path": "a.txt"}}', READ),
    ("name and parameters", '{"name": "read_file", "parameters": {"path": "a.txt"}}', READ),
    ("tool and input", '{"tool": "read_file", "input": {"path": "a.txt"}}', READ),
    ("tool_name and tool_input", '{"tool_name": "read_file", "tool_input": {"path": "a.txt"}}', READ),
    ("action and action_input", '{"action": "read_file", "action_input": {"path": "a.txt"}}', READ),
    (
        "function with a name inside",
        '{"function": {"name": "read_file", "arguments": {"path": "a.txt"}}}',
        READ,
    ),
    (
        "as the wire has it",
        '{"id":"call_1","type":"function","function":{"name":"read_file","arguments":"{\\"path\\":\\"a.txt\\"}"}}',
        READ,
    ),
    ("function as a string", '{"function": "read_file", "arguments": {"path": "a.txt"}}', READ),
    ("arguments as a string", '{"name": "read_file", "arguments": "{\\"path\\": \\"a.txt\\"}"}', READ),
    (
        "arguments as a string twice",
        '{"name": "read_file", "arguments": "\\"{\\\\\\"path\\\\\\": \\\\\\"a.txt\\\\\\"}\\""}',
        READ,
    ),
    ("flat", '{"tool": "read_file", "path": "a.txt"}', READ),
    ("flat with an id", '{"tool": "read_file", "id": "1", "path": "a.txt"}', READ),
    ("flat with a thought", '{"thought": "I look first.", "tool": "read_file", "path": "a.txt"}', READ),
    ("thought beside", '{"thought": "look", "tool": "read_file", "arguments": {"path": "a.txt"}}', READ),
    ("the tool as key", '{"read_file": {"path": "a.txt"}}', READ),
    ("the tool as key, thinking", '{"reasoning": "first look", "read_file": {"path": "a.txt"}}', READ),
    ("no arguments", '{"tool": "list_directory"}', LIST),
    ("null arguments", '{"tool": "list_directory", "args": null}', LIST),
    ("empty string of arguments", '{"tool": "list_directory", "arguments": ""}', LIST),
    ("spaces around", '\n\n   {"tool":"read_file","arguments":{"path":"a.txt"}}\n\n', READ),
    ("over several lines", '{\n  "tool": "read_file",\n  "arguments": {\n    "path": "a.txt"\n  }\n}', READ),
    ("another case", '{"tool": "Read_File", "arguments": {"path": "a.txt"}}', READ),
    ("a hyphen", '{"tool": "read-file", "arguments": {"path": "a.txt"}}', READ),
    ("a namespace", '{"name": "functions.read_file", "arguments": {"path": "a.txt"}}', READ),
    ("a namespace and a number", '{"name": "functions.read_file:0", "arguments": {"path": "a.txt"}}', READ),
    ("another namespace", '{"tool": "workspace/read_file", "arguments": {"path": "a.txt"}}', READ),
    ("recipient_name", '{"recipient_name": "functions.read_file", "parameters": {"path": "a.txt"}}', READ),
    ("a list of one", '[{"tool": "read_file", "arguments": {"path": "a.txt"}}]', READ),
    (
        "a list of two",
        '[{"name":"read_file","arguments":{"path":"a.txt"}},{"name":"list_directory","arguments":{}}]',
        READ + LIST,
    ),
    ("tool_calls", '{"tool_calls": [{"name": "read_file", "arguments": {"path": "a.txt"}}]}', READ),
    (
        "tool_calls as the wire has them",
        '{"content":null,"tool_calls":[{"type":"function","function":{"name":"read_file","arguments":"{\\"path\\":\\"a.txt\\"}"}}]}',
        READ,
    ),
    ("a single tool_call", '{"tool_call": {"name": "read_file", "arguments": {"path": "a.txt"}}}', READ),
    (
        "function_call",
        '{"function_call": {"name": "read_file", "arguments": "{\\"path\\":\\"a.txt\\"}"}}',
        READ,
    ),
    ("actions", '{"actions": [{"tool": "read_file", "args": {"path": "a.txt"}}]}', READ),
    (
        "calls",
        '{"calls": [{"tool": "read_file", "args": {"path": "a.txt"}}, {"tool": "list_directory"}]}',
        READ + LIST,
    ),
    (
        "wrapped twice",
        '{"tool_calls": [{"tool_call": {"name": "read_file", "args": {"path": "a.txt"}}}]}',
        READ,
    ),
    (
        "a whole message",
        '{"role":"assistant","tool_calls":[{"name":"read_file","arguments":{"path":"a.txt"}}]}',
        READ,
    ),
    (
        "braces inside of strings",
        '{"tool":"write_file","arguments":{"path":"a.js","content":"function f() { return \'}\'; }"}}',
        BRACES,
    ),
    (
        "an open brace in a string",
        '{"tool":"write_file","arguments":{"path":"a.txt","content":"{{{ [[[ never closed"}}',
        [("write_file", {"path": "a.txt", "content": "{{{ [[[ never closed"})],
    ),
    (
        "JSON in a string",
        '{"tool":"write_file","arguments":{"path":"p.json","content":"{\\"tool\\":\\"run_command\\",\\"arguments\\":{}}"}}',
        [("write_file", {"path": "p.json", "content": '{"tool":"run_command","arguments":{}}'})],
    ),
    (
        "a fence in a string",
        '{"tool":"write_file","arguments":{"path":"R.md","content":"```json\\n{\\"tool\\": \\"run_command\\"}\\n```"}}',
        [("write_file", {"path": "R.md", "content": '```json\n{"tool": "run_command"}\n```'})],
    ),
    (
        "content that is an object",
        '{"tool":"write_file","arguments":{"path":"p.json","content":{"a":1}}}',
        [("write_file", {"path": "p.json", "content": {"a": 1}})],
    ),
    ("escapes", '{"tool":"read_file","arguments":{"path":"\\u0061.txt"}}', READ),
    (
        "a tool that nobody has",
        '{"tool": "google_search", "arguments": {"q": "x"}}',
        [("google_search", {"q": "x"})],
    ),
    (
        "arguments of a wrong type",
        '{"tool": "read_file", "arguments": {"path": 7}}',
        [("read_file", {"path": 7})],
    ),
    ("a list as arguments", '{"tool": "read_file", "arguments": ["a.txt"]}', [("read_file", '["a.txt"]')]),  # type: ignore[list-item]
]

BROKEN: list[Case] = [
    ("a comma too many", '{"tool": "read_file", "arguments": {"path": "a.txt",}}', READ),
    ("commas too many", '{"tool": "read_file", "arguments": {"path": "a.txt",},}', READ),
    (
        "a comma in a string stays",
        '{"tool":"add_issue_comment","arguments":{"comment":"a,}b,]",}}',
        [("add_issue_comment", {"comment": "a,}b,]"})],
    ),
    ("a brace too few", '{"tool": "read_file", "arguments": {"path": "a.txt"}', READ),
    ("two brackets too few", '[{"tool": "read_file", "arguments": {"path": "a.txt"}', READ),
    ("a brace too many", '{"tool": "read_file", "arguments": {"path": "a.txt"}}}', READ),
    ("doubled braces", '{{"name": "read_file", "arguments": {"path": "a.txt"}}}}', READ),
    (
        "doubled braces on several lines",
        '{{"name": "read_file", "arguments": {"path": "a.txt"}}}}\n{{"name": "list_directory", "arguments": {}}}}',
        READ + LIST,
    ),
    ("a semicolon", '{"tool": "read_file", "arguments": {"path": "a.txt"}};', READ),
    ("single quotes", "{'tool': 'read_file', 'arguments': {'path': 'a.txt'}}", READ),
    ("Python's None", "{'tool': 'list_directory', 'arguments': None}", LIST),
    (
        "Python's True",
        "{'tool': 'run_command', 'arguments': {'argv': ['a'], 'x': True}}",
        [("run_command", {"argv": ["a"], "x": True})],
    ),
    (
        "line breaks inside of a string",
        '{"tool":"write_file","arguments":{"path":"a.py","content":"print(\\"hi\\")\n"}}',
        HELLO,
    ),
    (
        "a tab inside of a string",
        '{"tool":"write_file","arguments":{"path":"a","content":"x\ty"}}',
        [("write_file", {"path": "a", "content": "x\ty"})],
    ),
    (
        "quotes that are not escaped",
        '{"tool":"write_file","arguments":{"path":"a.py","content":"print("hi")"}}',
        "unreadable",
    ),
    (
        "a string that does not end",
        '{"tool":"write_file","arguments":{"path":"a.py","content":"print(1)}}',
        "unreadable",
    ),
    ("no quotes at all", "{tool: read_file, arguments: {path: a.txt}}", []),
    ("keys without quotes", '{tool: "read_file", arguments: {path: "a.txt"}}', "unreadable"),
    ("a colon missing", '{"tool" "read_file", "arguments": {"path": "a.txt"}}', "unreadable"),
    ("a comma missing", '{"tool": "read_file" "arguments": {"path": "a.txt"}}', "unreadable"),
    ("three dots", '{"tool": "write_file", "arguments": {"path": "a.py", "content": ...}}', "unreadable"),
    ("a comment", '{"tool": "read_file", // look\n "arguments": {"path": "a.txt"}}', "unreadable"),
    ("NaN", '{"tool": "run_command", "arguments": {"argv": ["a"], "timeout_s": NaN}}', "unreadable"),
    (
        "backticks as quotes",
        '{"tool": "write_file", "arguments": {"path": "a.py", "content": `x = 1`}}',
        "unreadable",
    ),
    (
        "triple quotes",
        '{"tool": "write_file", "arguments": {"path": "a.py", "content": """x = 1\ny = 2"""}}',
        [("write_file", {"path": "a.py", "content": "x = 1\ny = 2"})],
    ),
    (
        "strings put together",
        '{"tool":"write_file","arguments":{"path":"a","content":"x" + "y"}}',
        "unreadable",
    ),
    (
        "arguments that are broken inside",
        '{"tool": "read_file", "arguments": "{path: a.txt}"}',
        [("read_file", "{path: a.txt}")],
    ),  # type: ignore[list-item]
    (
        "arguments with a comma too many",
        '{"tool": "read_file", "arguments": "{\\"path\\": \\"a.txt\\",}"}',
        READ,
    ),
    (
        "a wrapper that is broken",
        '{"tool_calls": [{"name": "read_file", "arguments": {"path" "a.txt"}}]}',
        "unreadable",
    ),
]

FENCED: list[Case] = [
    ("a fence", '```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```', READ),
    ("a fence without a tongue", '```\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```', READ),
    (
        "words before a fence",
        'I will read it.\n\n```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```',
        READ,
    ),
    (
        "words after a fence",
        '```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```\nThen I go on.',
        READ,
    ),
    (
        "two fences",
        'First:\n```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```\nthen:\n```json\n{"tool": "list_directory"}\n```',
        READ + LIST,
    ),
    (
        "two lines in a fence",
        '```\n{"tool":"read_file","arguments":{"path":"a.txt"}}\n{"tool":"list_directory"}\n```',
        READ + LIST,
    ),
    ("a fence that is not closed", '```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}', READ),
    ("a fence of tildes", '~~~json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n~~~', READ),
    (
        "a fence that is indented",
        '  ```json\n  {"tool": "read_file", "arguments": {"path": "a.txt"}}\n  ```',
        READ,
    ),
    (
        "a fence called tool_code",
        '```tool_code\n{"name": "read_file", "parameters": {"path": "a.txt"}}\n```',
        READ,
    ),
    ("a fence of Python", '```python\nread_file("a.txt")\n```', []),
    ("a fence of code only", 'Here:\n```python\nprint(\'{"tool": "read_file"}\')\n```', []),
    ("a fence with other JSON", 'The package:\n```json\n{"name": "kitchen", "version": "1.0"}\n```', []),
    ("a fence with data", "```json\n[1, 2, 3]\n```", []),
    (
        "a broken fence",
        '```json\n{"tool": "read_file", "arguments": {"path": "a.txt"\n"x"}}\n```',
        "unreadable",
    ),
    (
        "a fence with a comma too many",
        '```json\n{"tool": "read_file", "arguments": {"path": "a.txt",},}\n```',
        READ,
    ),
    (
        "code first, then the call",
        '```python\nx = {"a": 1}\n```\n```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```',
        READ,
    ),
    (
        "a longer fence around a file with one",
        '````json\n{"tool":"write_file","arguments":{"path":"a.py","content":"print(\\"hi\\")\\n"}}\n````',
        HELLO,
    ),
]

TAGGED: list[Case] = [
    ("tool_call", '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.txt"}}\n</tool_call>', READ),
    (
        "words and tool_call",
        'I read.\n<tool_call>{"name": "read_file", "arguments": {"path": "a.txt"}}</tool_call>',
        READ,
    ),
    (
        "two of them",
        '<tool_call>{"name":"read_file","arguments":{"path":"a.txt"}}</tool_call>\n<tool_call>{"name":"list_directory","arguments":{}}</tool_call>',
        READ + LIST,
    ),
    ("not closed", '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.txt"}}', READ),
    (
        "a fence within",
        '<tool_call>\n```json\n{"name": "read_file", "arguments": {"path": "a.txt"}}\n```\n</tool_call>',
        READ,
    ),
    (
        "single quotes within",
        "<tool_call>{'name': 'read_file', 'arguments': {'path': 'a.txt'}}</tool_call>",
        READ,
    ),
    (
        "two lines within",
        '<tool_call>\n{"name":"read_file","arguments":{"path":"a.txt"}}\n{"name":"list_directory","arguments":{}}\n</tool_call>',
        READ + LIST,
    ),
    (
        "a list within",
        '<tool_calls>[{"name": "read_file", "arguments": {"path": "a.txt"}}]</tool_calls>',
        READ,
    ),
    (
        "function_call",
        '<function_call>{"name": "read_file", "arguments": {"path": "a.txt"}}</function_call>',
        READ,
    ),
    (
        "a closing brace too few",
        '<tool_call>{"name": "read_file", "arguments": {"path": "a.txt"}</tool_call>',
        READ,
    ),
    (
        "broken within",
        '<tool_call>{"name": "read_file", "arguments": {"path" a.txt}}</tool_call>',
        "unreadable",
    ),
    ("function with a name", '<function=read_file>{"path": "a.txt"}</function>', READ),
    ("function with a name, empty", "<function=list_directory></function>", LIST),
    ("function with a name, not closed", '<function=read_file>{"path": "a.txt"}', READ),
    ("TOOL_CALLS", '[TOOL_CALLS] [{"name": "read_file", "arguments": {"path": "a.txt"}}]', READ),
    (
        "TOOL_CALLS without a space",
        '[TOOL_CALLS][{"name":"read_file","arguments":{"path":"a.txt"}}]</s>',
        READ,
    ),
    ("python_tag", '<|python_tag|>{"name": "read_file", "parameters": {"path": "a.txt"}}', READ),
    (
        "python_tag with an end",
        '<|python_tag|>{"name": "read_file", "parameters": {"path": "a.txt"}}<|eom_id|>',
        READ,
    ),
    ("an end of turn", '{"tool": "read_file", "arguments": {"path": "a.txt"}}<|im_end|>', READ),
    ("an end of sentence", '{"tool": "read_file", "arguments": {"path": "a.txt"}}</s>', READ),
    (
        "thinking before",
        '<think>Shall I? {"tool": "run_command"} no.</think>\n{"tool": "read_file", "arguments": {"path": "a.txt"}}',
        READ,
    ),
    (
        "thinking with a call in it",
        '<think>\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n</think>\nI am done.',
        [],
    ),
    ("thinking without an end", '<think>\n{"tool": "read_file", "arguments": {"path": "a.txt"}}', []),
    (
        "thinking before a fence",
        '<thinking>hm</thinking>```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```',
        READ,
    ),
]

PROSE: list[Case] = [
    ("nothing", "", []),
    ("only spaces", "  \n ", []),
    ("only words", "I have finished the work.", []),
    (
        "a call on its own line",
        'I will read it now:\n{"tool": "read_file", "arguments": {"path": "a.txt"}}',
        READ,
    ),
    (
        "a call and words after",
        '{"tool": "read_file", "arguments": {"path": "a.txt"}}\nThat should do it.',
        READ,
    ),
    (
        "a call over lines among words",
        'Now:\n{\n "tool": "read_file",\n "arguments": {"path": "a.txt"}\n}\nfine',
        READ,
    ),
    (
        "two calls on their own lines",
        'So:\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n{"tool": "list_directory"}\n',
        READ + LIST,
    ),
    (
        "two calls and nothing else",
        '{"tool":"read_file","arguments":{"path":"a.txt"}}\n{"tool":"list_directory"}',
        READ + LIST,
    ),
    (
        "two calls with a comma",
        '{"tool":"read_file","arguments":{"path":"a.txt"}},\n{"tool":"list_directory"}',
        READ + LIST,
    ),
    (
        "a call in a sentence",
        'You could send {"tool": "run_command", "arguments": {"argv": ["rm"]}} but do not.',
        [],
    ),
    (
        "a call at the end of a sentence",
        'I would never send {"tool": "run_command", "arguments": {"argv": ["rm"]}}',
        [],
    ),
    ("a call in backticks", 'Use `{"tool": "run_command", "arguments": {"argv": ["rm"]}}` for that.', []),
    (
        "a call with words behind it",
        '{"tool": "run_command", "arguments": {"argv": ["rm"]}} is what I would not do',
        [],
    ),
    ("a quoted call", '> {"tool": "run_command", "arguments": {"argv": ["rm"]}}', []),
    ("a call in a list of points", '- {"tool": "run_command", "arguments": {"argv": ["rm"]}}', []),
    ("other JSON on a line", 'The result:\n{"name": "kitchen", "version": 2}', []),
    ("other JSON only", '{"ok": true, "path": "a.txt"}', []),
    ("a number", "42", []),
    ("a list of numbers", "[1, 2]", []),
    ("a name of a tool", "read_file", []),
    ("a call as Python writes it", 'read_file(path="a.txt")', []),
    ("an old way of writing", "TOOL: write_file\nPATH: a.txt\nCONTENT: hello", []),
    ("a stray brace before", 'Look { here:\n{"tool": "read_file", "arguments": {"path": "a.txt"}}', READ),
    ("a stray brace after", '{"tool": "read_file", "arguments": {"path": "a.txt"}}\n}', READ),
    ("the same call again and again", '{"tool": "list_directory"}\n' * 100, LIST * 64),
    ("deep nesting", '{"a":' * 3000 + "1" + "}" * 3000, []),
    ("deep lists", "[" * 5000, []),
    ("a schema", '{"type": "object", "properties": {"path": {"type": "string"}}}', []),
    (
        "a declaration of a tool",
        '{"name": "read_file", "description": "Read a file."}',
        [("read_file", {"description": "Read a file."})],
    ),
    (
        "half of a character",
        '{"tool": "read_file", "arguments": {"path": "\\ud800"}}',
        [("read_file", {"path": "\ud800"})],
    ),
    (
        "the same key twice",
        '{"tool": "run_command", "tool": "read_file", "arguments": {"path": "a.txt"}}',
        READ,
    ),
    (
        "another language",
        'Je lis le fichier.\n```json\n{"tool": "read_file", "arguments": {"path": "a.txt"}}\n```',
        READ,
    ),
    ("status", '{"tool":"update_issue_status","arguments":{"status":"done"}}', DONE),
    ("status, flat", '{"action": "update_issue_status", "status": "done"}', DONE),
]

CUT: list[Case] = [
    (
        "in the middle of a string",
        '{"tool":"write_file","arguments":{"path":"a.py","content":"def f():\\n    ret',
        "truncated",
    ),
    ("after a key", '{"tool":"write_file","arguments":{"path":"a.py","content":', "truncated"),
    ("after the name", '{"tool":"write_file","argu', "truncated"),
    (
        "in a fence",
        'Here:\n```json\n{"tool":"write_file","arguments":{"path":"a.py","content":"x = 1\\n',
        "truncated",
    ),
    (
        "in a tag",
        '<tool_call>\n{"name": "write_file", "arguments": {"path": "a.py", "content": "x',
        "truncated",
    ),
    ("in a wrapper", '{"tool_calls":[{"name":"write_file","arguments":{"path":"a","content":"x', "truncated"),
    ("after an escape", '{"tool":"write_file","arguments":{"path":"a.py","content":"x\\', "truncated"),
    (
        "in the second call",
        '```json\n{"tool":"read_file","arguments":{"path":"a.txt"}}\n```\n```json\n{"tool":"write_file","arguments":{"path":"b","content":"x',
        "truncated",
    ),
    ("after words", "I would begin with the module, because", []),
    ("while thinking", "<think>Well, the file should", "truncated"),
    ("after a whole call", '{"tool":"read_file","arguments":{"path":"a.txt"}}', READ),
    (
        "with words before",
        'I write:\n{"tool":"write_file","arguments":{"path":"a.py","content":"x = 1',
        "truncated",
    ),
]

ALL = (*PLAIN, *BROKEN, *FENCED, *TAGGED, *PROSE)
