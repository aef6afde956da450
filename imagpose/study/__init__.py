"""The paper's user study (Sec. 4.2, Figure 6, C.3): made, shown in a browser, counted."""
