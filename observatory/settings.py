"""What the operator decides, read from the environment (prefix ``OBS_``); nothing is read at import."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
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
    offline: bool = False
    """True: nothing is asked of the network; only files, the cache and the snapshot answer."""
    mirror_url: str | None = None
    """Internal mirror of the producers' sites: ``https://host/path`` is asked as ``<mirror_url>/host/path``."""
    emplois_token: SecretStr | None = None
    """Token of the API of the « Emplois de l'inclusion », which lists the insertion structures."""
    study: Path | None = None
    """Study file; unset: ``geodata/studies/defis.toml``."""
    geodata_dir: Path | None = None
    """Declarations and snapshot of another region, laid out as ``geodata``; unset: those delivered with the code."""
    kept_mb: int = Field(default=64, ge=0)
    """Memory that each process of the server may take for answers it keeps, in megabytes; 0: none is kept."""
