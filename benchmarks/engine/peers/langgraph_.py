"""LangGraph: a graph that goes round a node, checkpointed by SqliteSaver; and its agent loop without one."""

from __future__ import annotations

import asyncio
import operator
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from benchmarks.engine.load import REMARK, SAYING, STEP_TEXT, TURNS_PER_CARD, Stopwatch
from benchmarks.engine.peers.program import serve


class Counted(TypedDict):
    """The state holds the newest text only: history would make every checkpoint longer."""

    left: int
    done: Annotated[int, operator.add]
    text: str


def _circle(saver: SqliteSaver) -> Any:
    graph = StateGraph(Counted)
    graph.add_node("step", lambda state: {"left": state["left"] - 1, "done": 1, "text": STEP_TEXT})
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["left"] > 0 else END)
    return graph.compile(checkpointer=saver)


def steps(folder: Path, flight: int, units: int) -> Stopwatch:
    connection = sqlite3.connect(folder / "graph.db", check_same_thread=False)
    app = _circle(SqliteSaver(connection))

    def one(number: int) -> None:
        count = units // flight
        config = {"configurable": {"thread_id": str(number)}, "recursion_limit": count + 10}
        app.invoke({"left": count, "done": 0, "text": ""}, config, durability="sync")

    with ThreadPoolExecutor(flight) as pool, Stopwatch() as watch:
        list(pool.map(one, range(flight)))
    connection.close()
    return watch


class Scripted(BaseChatModel):
    """Says the same in every turn, with a tool call in all but the last."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        said = sum(isinstance(one, AIMessage) for one in messages) + 1
        call = {"name": "add_comment", "args": {"text": REMARK}, "id": f"call-{said}"}
        reply = AIMessage(SAYING, tool_calls=[call] if said < TURNS_PER_CARD else [])
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)


@tool
async def add_comment(text: str) -> str:
    """Write a comment on the card."""
    return "comment added"


def _agent() -> Any:
    model = Scripted()

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", think)
    graph.add_node("tools", ToolNode([add_comment]))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


def turns(folder: Path, flight: int, units: int) -> Stopwatch:
    agent = _agent()

    async def go() -> Stopwatch:
        room = asyncio.Semaphore(flight)

        async def one(number: int) -> None:
            async with room:
                found = await agent.ainvoke({"messages": [("user", f"Work on card {number}.")]})
                assert sum(isinstance(message, AIMessage) for message in found["messages"]) == TURNS_PER_CARD

        with Stopwatch() as watch:
            await asyncio.gather(*(one(number) for number in range(units // TURNS_PER_CARD)))
        return watch

    return asyncio.run(go())


if __name__ == "__main__":
    serve({"steps": steps, "turns": turns})
