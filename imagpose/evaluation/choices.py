"""Names that a request may give, as types: jsonargparse reads a request's own module as a type checker would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.evaluation.tables import SIZES

if TYPE_CHECKING:
    ProtocolName = str
    ProtocolChoice = str
    PrintedTable = str
else:
    ProtocolName = Literal[tuple(PROTOCOLS)]
    ProtocolChoice = Literal[(*PROTOCOLS, "all")]
    PrintedTable = Literal[tuple(SIZES)]
