"""How the weights that ship were made: a VAE, image encoders, a pose detector, a text-free Stable Diffusion."""
