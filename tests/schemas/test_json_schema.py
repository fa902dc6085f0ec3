"""The JSON Schemas are those of the structs, and good JSON Schemas."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given, settings

from schemas import json_schema, stix
from tests.schemas import made

DOCUMENTS = json_schema.documents()


def test_files_and_structs_are_in_step():
    files = {path.name: path.read_bytes() for path in json_schema.FOLDER.glob("*.json")}
    assert files == DOCUMENTS, "run: python -m schemas.json_schema"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(json.loads(DOCUMENTS[name]))


def judge(name):
    return jsonschema.Draft202012Validator(json.loads(DOCUMENTS[name]))


@given(made.bulletins(), made.tombstones())
@settings(max_examples=25)
def test_takes_what_is_written(bulletin, tombstone):
    report, identity, *_ = json.loads(stix.encode(bulletin))["objects"]
    judge("report.json").validate(report)
    judge("extension.json").validate(report["extensions"][stix.EXTENSION_ID])
    judge("identity.json").validate(identity)
    judge("tombstone.json").validate(json.loads(stix.encode_tombstone(tombstone)))


def test_refuses_a_topic_of_its_own():
    report = json.loads(stix.encode(made.PLAIN))["objects"][0]
    report["extensions"][stix.EXTENSION_ID]["topic"] = "asteroid"
    assert not judge("report.json").is_valid(report)


def test_the_generator_writes_only_what_changed(tmp_path):
    assert set(json_schema.write(tmp_path / "json")) == set(DOCUMENTS)
    (tmp_path / "json" / "report.json").write_text("{}")
    assert json_schema.write(tmp_path / "json") == ["report.json"]
