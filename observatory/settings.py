"""What the operator decides, read from the environment (prefix ``OBS_``); nothing is read at import."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Operator's settings; every field is an ``OBS_…`` environment variable."""

    model_config = SettingsConfigDict(env_prefix="OBS_", env_file=".env", extra="ignore")

    database_url: SecretStr | None = None
    """PostGIS to use (``postgresql://…``); unset: the private cluster in the data directory."""
    data_dir: Path | None = None
    """Where the private cluster and caches live; unset: ``observatoire`` under the XDG data home."""
    port: int = 8000
    host: str = "127.0.0.1"
    basemap_url: str | None = None
    """Raster tiles (``https://…/{z}/{x}/{y}.png``) that the operator chose; unset: no base map, no third party."""
    basemap_attribution: str = ""
    study: Path | None = None
    """Study file; unset: ``geodata/studies/defis.toml``."""
