"""What a target names: a file, an asset, an issue; and where everything it needs is looked for."""

from __future__ import annotations

import anyio
import pytest

from orket.domain.cards import CardStatus, CardType
from orket.domain.errors import AssetError, CardNotFound, DependencyCycle
from orket.domain.identifiers import CardId
from tests.orket.infrastructure.assets.desk import Shelf, epic, issue

pytestmark = pytest.mark.anyio


async def test_an_epic_becomes_cards(shelf: Shelf) -> None:
    workload = await shelf.load_epic(issue("A"), issue("B", "A"), build_id="mine")
    (one,) = workload.epics
    assert (one.card.id, one.card.type, one.card.build_id) == ("EPIC", CardType.EPIC, "mine")
    assert [(card.id, card.parent_id, card.build_id) for card in one.issues] == [
        ("A", "EPIC", "mine"),
        ("B", "EPIC", "mine"),
    ]
    assert one.issues[1].depends_on == ("A",)
    assert {role.name for role in workload.roles} == {"builder_role", "integrity_guard"}
    assert workload.organization.sandbox_levels == ()
    assert workload.organization.idesign_threshold == 7


@pytest.mark.parametrize("key", ["issues", "stories", "cards", "tracs"])
async def test_issues_under_any_name(shelf: Shelf, key: str) -> None:
    told = epic(**{"issues": None, key: [issue("A")]})
    (one,) = (await shelf.load(shelf.write("epics/work.json", told))).epics
    assert [card.id for card in one.issues] == ["A"]


async def test_names_and_summaries_are_the_same(shelf: Shelf) -> None:
    named = {"id": "A", "name": "By name", "seat": "builder"}
    both = {"id": "B", "name": "By both", "summary": "By both", "seat": "builder"}
    (one,) = (await shelf.load_epic(named, both)).epics
    assert [card.name for card in one.issues] == ["By name", "By both"]


@pytest.mark.parametrize(
    ("told", "number"),
    [("High", 3.0), ("medium", 2.0), ("LOW", 1.0), ("2.5", 2.5), (7, 7.0), (-1.5, -1.5), (None, 2.0)],
)
async def test_priorities(shelf: Shelf, told: object, number: float) -> None:
    (one,) = (await shelf.load_epic(issue("A", priority=told))).epics
    assert one.issues[0].priority == number


async def test_cards_without_an_id_are_called_after_their_place(shelf: Shelf) -> None:
    nameless = {"summary": "Write something", "seat": "builder"}
    path = shelf.write("epics/My work.json", {**epic(nameless, issue("A")), "id": None})
    (one,) = (await shelf.load(path)).epics
    assert one.card.id == "my-work"
    assert [card.id for card in one.issues] == ["my-work-1", "A"]


async def test_older_words_for_issues_become_labels(shelf: Shelf) -> None:
    (one,) = (
        await shelf.load_epic(issue("A", type="bug", labels=["ui", "bug"]), issue("B", type="issue"))
    ).epics
    assert [(card.type, card.labels) for card in one.issues] == [
        (CardType.ISSUE, ("bug", "ui")),
        (CardType.ISSUE, ()),
    ]


async def test_what_is_final_in_the_file_stays_so(shelf: Shelf) -> None:
    told = [issue("A", status="done"), issue("B", "A"), issue("C", status="archived")]
    (one,) = (await shelf.load_epic(*told, status="in_progress")).epics
    assert one.card.status is CardStatus.READY
    assert [card.status for card in one.issues] == [CardStatus.DONE, CardStatus.READY, CardStatus.ARCHIVED]


async def test_seats_are_found_as_people_write_them(shelf: Shelf) -> None:
    (one,) = (await shelf.load_epic(issue("A", seat="Builder"))).epics
    assert one.issues[0].seat == "builder"


async def test_tolerated_keys(shelf: Shelf) -> None:
    more = {"sequence": 3, "governance": {}, "quality_assessment": 1, "model": "x", "whatever": [1]}
    assert (await shelf.load_epic(issue("A", **more), **more)).epics


async def test_by_name_by_path_and_by_id(shelf: Shelf) -> None:
    path = shelf.write("epics/work.json", epic(issue("A"), issue("B", "A")))
    for target in (path, "model/core/epics/work.json", "work", "EPIC"):
        workload = await shelf.load(target)
        assert workload.only is None
        assert [card.id for card in workload.epics[0].issues] == ["A", "B"]
    for workload in (
        await shelf.load("B"),
        await shelf.load("work", only="B"),
        await shelf.load("B", only="B"),
    ):
        assert workload.only == "B"
        assert [card.id for card in workload.epics[0].issues] == ["A", "B"]


async def test_an_issue_in_a_file_of_its_own(shelf: Shelf) -> None:
    path = shelf.write("issues/fix.json", {**issue("A"), "team": "pair", "environment": "local"})
    for target in (path, "fix", "A"):
        (one,) = (await shelf.load(target)).epics
        assert one.card.id == "epic-fix"
        assert [(card.id, card.parent_id) for card in one.issues] == [("A", "epic-fix")]


async def test_an_issue_file_needs_a_team(shelf: Shelf) -> None:
    with pytest.raises(AssetError, match="'team'"):
        await shelf.load(shelf.write("issues/fix.json", issue("A")))


async def test_a_rock_and_its_epics(shelf: Shelf) -> None:
    shelf.write("epics/one.json", epic(issue("A"), id="E1"))
    shelf.write("epics/two.json", epic(issue("B"), issue("C", "B"), id="E2"))
    rock = {"name": "A rock", "epics": [{"epic": "two", "department": "core"}, {"epic": "one"}]}
    path = shelf.write("rocks/all.json", rock)
    workload = await shelf.load(path)
    assert workload.rock is not None
    assert (workload.rock.id, workload.rock.type) == ("all", CardType.ROCK)
    assert [(one.card.id, one.card.parent_id) for one in workload.epics] == [("E2", "all"), ("E1", "all")]
    assert await shelf.load("all") == await shelf.load("all")

    alone = await shelf.load("all", only="B")
    assert (alone.rock, alone.only, [one.card.id for one in alone.epics]) == (None, "B", ["E2"])


async def test_departments_of_a_rock(shelf: Shelf) -> None:
    sales = shelf.root / "model" / "sales"
    shelf.write("epics/pitch.json", epic(issue("A"), team="duo"), below=sales)
    team = {"seats": {"builder": {"roles": ["builder_role"]}}}
    shelf.write("teams/duo.json", team, below=sales)
    path = shelf.write(
        "rocks/all.json", {"name": "A rock", "epics": [{"epic": "pitch", "department": "sales"}]}
    )
    for target in (path, "all"):
        assert (await shelf.load(target)).epics[0].team.name == "duo"


async def test_one_epic_twice_and_one_id_twice_in_a_rock(shelf: Shelf) -> None:
    shelf.write("epics/one.json", epic(issue("A"), id="E1"))
    shelf.write("epics/two.json", epic(issue("A"), id="E2"))
    shelf.write("rocks/same.json", {"name": "R", "epics": [{"epic": "one"}, {"epic": "one"}]})
    with pytest.raises(AssetError, match="already part") as twice:
        await shelf.load("same")
    assert twice.value.pointer == "/epics/1/epic"
    shelf.write("rocks/ids.json", {"name": "R", "epics": [{"epic": "one"}, {"epic": "two"}]})
    with pytest.raises(AssetError, match=r"already used at .*one\.json#/issues/0/id") as clash:
        await shelf.load("ids")
    assert (clash.value.file, clash.value.pointer) == ("model/core/epics/two.json", "/issues/0/id")


async def test_roles_of_one_name_mean_one_thing(shelf: Shelf) -> None:
    for number, tools in ((1, ["read_file"]), (2, ["write_file"])):
        seats = {"builder": {"roles": ["odd_role"]}}
        shelf.write(
            f"teams/t{number}.json", {"seats": seats, "roles": {"odd_role": {"name": "Odd", "tools": tools}}}
        )
        shelf.write(f"epics/e{number}.json", epic(issue(f"A{number}"), id=f"E{number}", team=f"t{number}"))
    shelf.write("rocks/r.json", {"name": "R", "epics": [{"epic": "e1"}, {"epic": "e2"}]})
    with pytest.raises(AssetError, match="'odd_role' is another one"):
        await shelf.load("r")


async def test_what_lies_beside_the_file_comes_first(shelf: Shelf) -> None:
    away = shelf.root / "elsewhere"
    path = shelf.write("epics/e.json", epic(issue("A")), below=away)
    assert (await shelf.load(path)).epics[0].environment.timeout_s == 300.0
    shelf.write("environments/local.json", {"name": "beside", "timeout": 5}, below=away)
    shelf.write("organization.json", {"name": "Beside"}, below=away)
    workload = await shelf.load(path)
    assert workload.epics[0].environment.timeout_s == 5.0
    assert workload.organization.name == "Beside"


async def test_config_comes_before_the_model_directory(shelf: Shelf) -> None:
    shelf.write("environments/local.json", {"name": "config", "timeout": 5}, below=shelf.root / "config")
    path = shelf.write("epics/e.json", epic(issue("A")), below=shelf.root / "elsewhere")
    assert (await shelf.load(path)).epics[0].environment.name == "config"


async def test_all_dialects_come_along(shelf: Shelf) -> None:
    shelf.write("dialects/a.json", '{"model_family": "a", "dsl_format": "{\n}"}')
    shelf.write("dialects/b.json", {"model_family": "b"})
    workload = await shelf.load_epic(issue("A"))
    assert [one.model_family for one in workload.dialects] == ["a", "b"]
    assert workload.dialects[0].dsl_format == "{\n}"


async def test_roles_without_a_file_are_taken_from_the_team(shelf: Shelf) -> None:
    shelf.write(
        "teams/pair.json",
        {
            "seats": {"builder": {"roles": ["odd_role"]}},
            "roles": {"odd_role": {"name": "Odd", "tools": ["x"]}},
        },
    )
    workload = await shelf.load_epic(issue("A"))
    assert [(one.name, one.tools) for one in workload.roles] == [("odd_role", ("x",))]


async def test_scripted_models_start_at_their_model_directory(shelf: Shelf) -> None:
    shelf.write("environments/local.json", {"model": "scripted:scripts/s.json"})
    with pytest.raises(AssetError, match=r"no script 'scripts/s\.json'") as told:
        await shelf.load_epic(issue("A"))
    assert (told.value.file, told.value.pointer) == ("model/core/environments/local.json", "/model")
    script = shelf.write("scripts/s.json", {"replies": []})
    assert (await shelf.load_epic(issue("A"))).epics[0].environment.model == f"scripted:{script}"
    shelf.write("scripts/s.json", {"replies": [{}]})
    with pytest.raises(AssetError, match=r"s\.json#/replies/0"):
        await shelf.load_epic(issue("A"))


async def test_cycles_are_named_with_their_file(shelf: Shelf) -> None:
    with pytest.raises(DependencyCycle, match=r"work\.json: dependency cycle: A → B → A") as told:
        await shelf.load_epic(issue("A", "B"), issue("B", "A"))
    assert told.value.cycle == ("A", "B", "A")
    with pytest.raises(DependencyCycle):
        await shelf.load_epic(issue("A", "A"))


async def test_what_does_not_exist(shelf: Shelf) -> None:
    shelf.write("epics/work.json", epic(issue("A")))
    with pytest.raises(CardNotFound, match=r"'wrok' in model; there are: work"):
        await shelf.load("wrok")
    with pytest.raises(CardNotFound, match=r"no issue B; it has: A"):
        await shelf.load("work", only="B")
    with pytest.raises(CardNotFound, match="B is not the issue A"):
        await shelf.load("A", only="B")
    with pytest.raises(AssetError, match="No such file"):
        await shelf.load("model/core/epics/wrok.json")
    with pytest.raises(AssetError, match="directory"):
        await shelf.load("model/core/epics")


async def test_an_unreadable_file_counts_only_when_the_id_is_nowhere_else(shelf: Shelf) -> None:
    shelf.write("epics/broken.json", "{")
    shelf.write("epics/work.json", epic(issue("A")))
    assert (await shelf.load("A")).only == "A"
    with pytest.raises(AssetError, match=r"broken\.json"):
        await shelf.load("B")


async def test_an_id_in_two_files_needs_the_file(shelf: Shelf) -> None:
    shelf.write("epics/one.json", epic(issue("A"), id="E1"))
    shelf.write("epics/two.json", epic(issue("A"), id="E2"))
    with pytest.raises(AssetError, match="more than one file"):
        await shelf.load("A")
    assert (await shelf.load("two", only="A")).epics[0].card.id == "E2"


async def test_the_environment_names_the_organization(shelf: Shelf) -> None:
    path = shelf.write("epics/work.json", epic(issue("A")))
    source = shelf.source(ORKET_ORG_NAME="Mine", ORKET_ORG_VISION="Ours")
    organization = (await source.load(str(path), only=CardId("A"))).organization
    assert (organization.name, organization.vision) == ("Mine", "Ours")
    assert await source.organization() == organization


async def test_loads_at_once(shelf: Shelf) -> None:
    path = shelf.write("epics/work.json", epic(*(issue(f"I{n}") for n in range(100))))
    expected = await shelf.load(path)
    found = []

    async def one() -> None:
        found.append(await shelf.load(path))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
    assert found == [expected] * 5


async def test_bottleneck_thresholds_of_both_vocabularies_are_read(shelf: Shelf) -> None:
    told = {"resource_critical": 4, "wip_limit_per_seat": 1, "dependency_warning_pct": 0.25}
    shelf.write("organization.json", {"bottleneck_thresholds": told})
    found = (await shelf.load_epic(issue("A"))).organization.bottlenecks
    assert (found.resource_critical, found.wip_limit_per_seat, found.dependency_warning_pct) == (4, 1, 0.25)
    assert (found.resource_normal, found.blocked_duration_hours) == (3, 24.0)
