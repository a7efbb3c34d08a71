"""What a run learns of the network: without any, it says so once and doesn't wait anew for each source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from observatory.sources.fetch.cache import DownloadError

HOSTS_TRIED: Final = 2
"""So many different sites that can't be joined, and none that answered: there is no network
(convention de l'observatoire). The second one is tried once only."""


class UnreachableError(DownloadError):
    """No connection to the site could be opened."""


@dataclass
class Outage:
    """Sites that can't be joined, in the order in which that was found, and whether any site ever answered."""

    hosts: list[str] = field(default_factory=list)
    has_answer: bool = False

    def heard(self, _answer: object) -> None:
        """Note that a site answered, whatever it said."""
        self.has_answer = True

    def missed(self, host: str) -> None:
        """Note that every attempt to open a connection to a site failed."""
        if host not in self.hosts:
            self.hosts.append(host)

    def attempts(self, most: int) -> int:
        """Return how often to try a site: once, if none answered and another can't be joined."""
        return 1 if self.hosts and not self.has_answer else most

    def require(self, host: str) -> None:
        """Refuse at once what has no chance.

        Raises
        ------
        UnreachableError
            If the site, or any site, can't be joined since this run began.
        """
        if not self.has_answer and len(self.hosts) >= HOSTS_TRIED:
            raise UnreachableError(
                f"Le réseau est absent ({' et '.join(self.hosts[:HOSTS_TRIED])} ne répondent pas) : {host} n’est pas "
                "essayé ; vérifiez la connexion, ou donnez le fichier avec --from-file."
            )
        if host in self.hosts:
            raise UnreachableError(
                f"{host} n’a pas pu être joint tout à l’heure et n’est pas essayé de nouveau : relancez plus tard ou "
                "donnez le fichier avec --from-file."
            )
