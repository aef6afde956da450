"""How the weights that the project ships were made: a VAE, an image encoder, a text-free Stable Diffusion."""
