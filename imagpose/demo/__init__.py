"""A page in the browser: photographs and poses in, pictures out. ``imagpose demo`` opens it.

Walk: a file is uploaded (:mod:`.page`), becomes a :class:`.photographs.Photograph` of the page's own session
(:mod:`.session`), its poses are edited in the browser (``static/editor.js``), and what is asked for is written down as
``imagpose generate`` would be told it, drawn and packed (:mod:`.drawing`, :mod:`.request`, :mod:`.archive`).
:mod:`.server` and :mod:`.fence` say who may reach what.
"""
