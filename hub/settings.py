"""Settings of one node: `hub.toml` < environment `HUB_*` < flags (DESIGN section 6). Nested names join with two underscores."""

from __future__ import annotations

import difflib
import tomllib
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hub.errors import SettingsError
from schemas.places import PLACES
from schemas.vocabulary import Mode

_STRICT = pydantic.ConfigDict(extra="forbid", frozen=True)
# The zone in which most of a state's people live (IANA tzdata); a state with two of them says in hub.toml which it means.
_ZONES = {
    "America/New_York": "ct dc de fl ga ky ma md me nc nh nj ny oh pa ri sc va vt wv",
    "America/Detroit": "mi",
    "America/Indiana/Indianapolis": "in",
    "America/Chicago": "al ar ia il ks la mn mo ms nd ne ok sd tn tx wi",
    "America/Denver": "co mt nm ut wy",
    "America/Boise": "id",
    "America/Phoenix": "az",
    "America/Los_Angeles": "ca nv or wa",
    "America/Anchorage": "ak",
    "Pacific/Honolulu": "hi",
    "America/Puerto_Rico": "pr vi",
    "Pacific/Guam": "gu mp",
    "Pacific/Pago_Pago": "as",
}
_ZONE_OF = {place: zone for zone, places in _ZONES.items() for place in places.split()}
_Port = Annotated[int, pydantic.Field(ge=0, le=65535)]


class Web(pydantic.BaseModel):
    """Where the node's pages, feeds and API listen. Put a TLS proxy in front of anything but loopback.

    `per_address` bounds the open connections of one client address; this machine's own (a proxy here) are not counted.
    """

    model_config = _STRICT
    host: str = "127.0.0.1"
    port: _Port = 8100
    per_address: Annotated[int, pydantic.Field(ge=1)] = 250


class Nats(pydantic.BaseModel):
    """The supervised nats-server. `port` 0 is chosen once and kept; `address` is what peers are told to dial."""

    model_config = _STRICT
    host: str = "127.0.0.1"
    port: _Port = 0
    address: str | None = None
    max_bytes: Annotated[int, pydantic.Field(ge=1 << 20)] = 1 << 30


class Fetch(pydantic.BaseModel):
    """How connectors ask. `contact` stands in the User-Agent; `allow` names private hosts or networks that may be fetched."""

    model_config = _STRICT
    contact: str = ""
    allow: tuple[str, ...] = ()


class SourceChoice(pydantic.BaseModel):
    """One federal source: whether it is polled, from where (a mirror perhaps) and every how many seconds."""

    model_config = _STRICT
    enabled: bool = True
    url: str | None = None
    every: Annotated[float, pydantic.Field(gt=0)] | None = None


class Settings(BaseSettings):
    """All settings of a node. `directory` is where hub.toml lies; every path is inside it."""

    model_config = SettingsConfigDict(env_prefix="HUB_", env_nested_delimiter="__", extra="forbid", frozen=True)

    directory: Path
    state: str
    mode: Mode = Mode.LIVE
    name: str = ""
    desks: tuple[str, ...] = ()
    public_url: str = ""
    contact: str = ""
    zone: str = ""
    log: Literal["json", "console"] = "json"
    web: Web = Web()
    nats: Nats = Nats()
    fetch: Fetch = Fetch()
    sources: dict[str, SourceChoice] = {}

    @pydantic.field_validator("state")
    @classmethod
    def _known_place(cls, value: str) -> str:
        if value.lower() not in PLACES:
            raise ValueError(f"{value!r} is not a state or territory; write two letters, such as TX")
        return value.lower()

    @pydantic.field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value and not _is_zone(value):
            known = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
            close = difflib.get_close_matches(value.lower().replace(" ", "_"), known, n=1)
            hint = f"did you mean {known[close[0]]}?" if close else "write one such as America/Chicago"
            raise ValueError(f"{value!r} is no time zone of the IANA database; {hint}")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then hub.toml; no dotenv file is ever read."""
        del dotenv_settings, file_secret_settings
        kwargs = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        toml = TomlConfigSettingsSource(settings_cls, Path(kwargs["directory"]) / "hub.toml")
        return init_settings, env_settings, toml

    @property
    def place(self) -> str:
        """The two letters of this node's state, lower case."""
        return self.state

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that this node speaks for: the state itself and its desks."""
        return (self.state, *(f"{self.state}-{desk}" for desk in self.desks))

    @property
    def title(self) -> str:
        """What the centre is called on pages and in feeds."""
        return self.name or f"{PLACES[self.state].name} School Safety Center"

    @property
    def local_zone(self) -> str:
        """The time zone of this node's pages: the one set, else its state's."""
        return self.zone or _ZONE_OF.get(self.state, "UTC")

    @property
    def base_url(self) -> str:
        """The base of every absolute address that leaves this node, without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.web.port}").rstrip("/")

    @property
    def database(self) -> Path:
        """The record: bulletins, journal, outbox, people."""
        return self.directory / "hub.db"


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def load(config: Path, **flags: Any) -> Settings:
    """Read the settings of the node whose hub.toml is `config`. Raises SettingsError naming the setting and the fix."""
    if not config.is_file():
        raise SettingsError(f"There is no {config}. Make a node with: hub init DIR --state TX")
    try:
        return Settings(directory=config.parent.resolve(), **flags)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config} is not valid TOML: {error}") from error
    except pydantic.ValidationError as error:
        raise SettingsError("\n".join(_words(item) for item in error.errors())) from error


def _words(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    close = difflib.get_close_matches(str(error["loc"][-1]), _names(), n=1)
    return f"{name}: there is no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _names() -> list[str]:
    models: tuple[type[pydantic.BaseModel], ...] = (Settings, Web, Nats, Fetch, SourceChoice)
    return sorted({field for model in models for field in model.model_fields})
