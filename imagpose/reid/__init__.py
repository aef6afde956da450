"""Person re-identification with generated pictures: the paper's Table 4.

A room of its own: the protocol of Market-1501, BoT (Luo et al., 2019), and the experiment that mixes generated pictures
into its training.
"""
