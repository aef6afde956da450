"""Lists of pairs and of a dataset that say nothing, or nonsense."""

from tests.bad_inputs.case import BYTES

PAIRS = {
    **BYTES,
    "another header": b"a,b\nc,d\n",
    "the header alone": b"from,to\n",
    "one column": b"from\nx.jpg\n",
    "an unknown name": b"from,to\nnobody.jpg,nobody.jpg\n",
    "a quote that stays open": b'from,to\n"x.jpg,y.jpg\n',
    "an empty field": b"from,to\n,\n",
    "one field": b"from,to\nx.jpg\n",
    "a field too long": b"from,to\n" + b"x" * 200_000,
    "HTML": b"<!DOCTYPE html>\n<html></html>\n",
    "JSON": b'{"from": "to"}',
    "a mark of byte order": b"\xef\xbb\xbfa,b\nc,d\n",
    "CRLF": b"from,to\r\nnobody.jpg,nobody.jpg\r\n",
    "NUL in a name": b"from,to\na\0b,c\n",
    "a path out": b"from,to\n../../secret.jpg,/etc/passwd\n",
}
"""No list of pairs of any dataset."""

_HEADER = b"name:keypoints_y:keypoints_x\n"
_ANNOTATIONS = {
    **BYTES,
    "another header": b"a,b\nc,d\n",
    "no numbers": _HEADER + b"x.jpg: [a]: [b]\n",
    "too few joints": _HEADER + b"x.jpg: [1]: [2]\n",
    "NaN": _HEADER + b"x.jpg: [" + b", ".join([b"NaN"] * 18) + b"]: [" + b", ".join([b"NaN"] * 18) + b"]\n",
    "two columns": _HEADER + b"x.jpg: [1]\n",
    "huge": _HEADER + b"x.jpg: [" + b"9" * 6000 + b"]: [1]\n",
    "nested deeply": _HEADER + b"x.jpg: " + b"[" * 50_000 + b": [1]\n",
}

LISTS = {
    "fashion-annotation-train.csv": _ANNOTATIONS,
    "train.lst": {
        "binary": BYTES["binary"],
        "UTF-16": BYTES["UTF-16"],
        "NUL": BYTES["NUL"],
        "unknown": b"nobody.jpg\n",
    },
}
"""Contents of a dataset's lists that are refused, by the list."""
