"""The server: votes of many raters at once, killed in the midst of it; and what it refuses."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time

import pytest
from starlette.testclient import TestClient

from imagpose.__main__ import main
from imagpose.study.choosing import Numbers
from imagpose.study.questions import KEY, PICTURES, VOTES, read_study
from imagpose.study.server import application
from imagpose.study.votes import Vote, Votes
from tests.conftest import ROOT
from tests.study.conftest import write_study
from tests.study.process import Server, token

RATERS, EACH, KILLS = 10, 100, 5


@pytest.fixture
def client(small):
    with TestClient(application(small)) as one:
        one.folder = small
        yield one


def answer(client, path, **sent):
    return client.post(path, content=json.dumps(sent))


def test_a_rater_goes_through_all_questions_and_may_stop_in_between(client):
    study = read_study(client.folder)
    question = answer(client, "/question", token=token(1)).json()
    asked = []
    while not question.get("done"):
        assert question["number"] == len(asked) + 1
        asked.append(question["item"])
        assert {client.get(f"/pictures/{name}").status_code for name in question["pictures"]} == {200}
        choice = "fake" if question["kind"] == "real" else question["pictures"][0]
        question = answer(client, "/vote", token=token(1), item=question["item"], choice=choice).json()
        if not question.get("done"):
            assert answer(client, "/question", token=token(1)).json() == question  # as who comes back
    assert asked == [item.name for item in study.items_of(1)]
    assert len(Votes(client.folder / VOTES).all()) == len(asked)


def test_the_first_of_two_votes_stays(client):
    question = answer(client, "/question", token=token(1)).json()
    for choice in ("real", "fake"):
        assert answer(client, "/vote", token=token(1), item=question["item"], choice=choice).status_code == 200
    assert Votes(client.folder / VOTES).all() == [Vote(1, question["item"], "real")]


def test_nothing_that_is_sent_tells_what_a_picture_is(client):
    question = answer(client, "/question", token=token(1)).json()
    assert question.keys() == {"rater", "of", "number", "item", "kind", "practice", "given", "pictures", "next"}
    names = [path.name for path in (client.folder / PICTURES).iterdir()]
    headers = [dict(client.get(f"/pictures/{name}").headers) for name in names]
    assert all(one == headers[0] for one in headers)  # the length too
    assert not {"last-modified", "etag"} & headers[0].keys()
    (client.folder / KEY).unlink()
    assert TestClient(application(client.folder)).get("/").status_code == 200  # it never opens the key


def test_the_page_loads_nothing_from_elsewhere(client):
    for path in ("/", "/study.css", "/study.js"):
        found = client.get(path)
        assert "http" not in found.text
        assert found.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/question", {}),
        ("/question", {"token": "<b>me</b>"}),
        ("/question", {"token": "../../../../etc/passwd"}),
        ("/question", {"token": 5}),
        ("/question", {"token": "x" * 5000}),
        ("/question", ["token"]),
        ("/question", "<script>alert(1)</script>"),
        ("/vote", {"token": token(1), "item": "nope", "choice": "real"}),
        ("/vote", {"token": token(1), "item": "{item}", "choice": "best"}),
        ("/vote", {"token": token(1), "item": "{item}"}),
    ],
)
def test_what_is_no_answer_is_refused_in_a_sentence(path, sent, client):
    item = read_study(client.folder).items[0].name
    found = client.post(path, content=json.dumps(sent).replace("{item}", item))
    assert found.status_code == 400
    assert found.json() == {"error": "This is no answer to a question of this study; open its page again."}
    assert found.headers["content-type"] == "application/json"
    assert not Votes(client.folder / VOTES).all()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200), ("http://127.0.0.1:8000", 200), ("https://127.0.0.1:8000", 200), ("http://127.0.0.1:8001", 403),
        ("http://elsewhere.example", 403), ("http://127.0.0.1:8000.elsewhere.example", 403), ("null", 403), ("", 403),
    ],
)  # fmt: skip
def test_another_sites_page_makes_no_rater(origin, status, small):
    client = TestClient(application(small, local=True), base_url="http://127.0.0.1:8000")
    headers = {} if origin is None else {"Origin": origin}
    assert client.post("/question", content=json.dumps({"token": token(1)}), headers=headers).status_code == status
    assert Votes(small / VOTES).rater(token(2)).number == (2 if status == 200 else 1)  # whether there was one before


@pytest.mark.parametrize(
    ("host", "local", "others"),
    [
        ("127.0.0.1:8000", 200, 200), ("localhost", 200, 200), ("LOCALHOST:8000", 200, 200), ("[::1]:8000", 200, 200),
        ("study.example.org", 200, 200), ("elsewhere.example:8000", 403, 200), ("127.0.0.1.example", 403, 200),
        ("10.0.0.5:8000", 403, 200), ("[", 403, 200), ("", 403, 200),
    ],
)  # fmt: skip
def test_a_study_for_its_own_machine_alone_answers_to_that_machines_names_and_its_proxys(host, local, others, small):
    for only, status in ((True, local), (False, others)):
        client = TestClient(application(small, only, "study.example.org"))
        assert client.get("/about", headers={"Host": host}).status_code == status
    assert TestClient(application(small, local=True)).get("/about", headers={"Host": "study.example.org"}).is_error


def test_no_other_request_is_taken(client):
    found = client.get("/vote")
    assert (found.status_code, found.json()) == (405, {"error": "This page takes no such request."})


@pytest.mark.parametrize(
    "path", ["/nope", "/pictures/nope.png", "/pictures/..%2Fkey.json", "/key.json", "/votes.sqlite"]
)
def test_no_other_file_is_served(path, client):
    found = client.get(path)
    assert found.status_code == 404
    assert "There is no such page" in found.json()["error"]


# Killed -------------------------------------------------------------------------------------------------------------


def post(port: int, path: str, sent: dict) -> dict:
    """Send until it is acknowledged, as the page does."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(sent))
            found = connection.getresponse()
            content = found.read()
            assert found.status == 200, content
            return json.loads(content)
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
    raise TimeoutError(path)


@pytest.mark.slow
def test_of_1000_votes_by_10_raters_none_is_lost_and_none_is_there_twice_though_the_server_is_killed_5_times(tmp_path):
    folder = tmp_path / "study"
    write_study(folder, Numbers(EACH // 2, 0, 0, 0))
    server, acknowledged = Server(folder), []

    def rate(number: int) -> None:
        draw = random.Random(number)
        question = post(server.port, "/question", {"token": token(number)})
        while not question.get("done"):
            vote = Vote(question["rater"], question["item"], draw.choice(["real", "fake"]))
            question = post(server.port, "/vote", {"token": token(number), "item": vote.item, "choice": vote.choice})
            acknowledged.append(vote)

    raters = [threading.Thread(target=rate, args=[number]) for number in range(RATERS)]
    for rater in raters:
        rater.start()
    for kill in range(KILLS):  # each in the midst of votes, whatever the machine's speed
        while len(acknowledged) < (kill + 1) * RATERS * EACH // (KILLS + 1):
            time.sleep(0.002)
        server.kill()
        server.start()
    for rater in raters:
        rater.join()
    server.kill()
    kept = Votes(folder / VOTES).all()
    assert len(acknowledged) == RATERS * EACH
    assert sorted(kept) == sorted(acknowledged)
    assert len({vote[:2] for vote in kept}) == RATERS * EACH


@pytest.mark.slow
def test_the_command_serves_until_it_is_asked_to_end(small):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "imagpose", "study", "serve", str(small), "--port", str(port)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert post(port, "/question", {"token": token(1)})["number"] == 1
    process.terminate()
    out, error = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"is at http://127.0.0.1:{port}/ until Ctrl-C" in out
    assert error.strip() == "Terminated; all votes are kept, and the same command goes on."


@pytest.mark.parametrize(
    ("package", "words"), [("uvicorn", ["serve"]), ("starlette", ["serve"]), ("choix", ["report"])]
)
def test_a_package_that_is_not_installed_is_named(package, words, small, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["study", *words, str(small)]) == 2
    assert capsys.readouterr().err.strip() == (
        f"Error: Studies need {package}, which is not installed: pip install 'imagpose[study]'."
    )
