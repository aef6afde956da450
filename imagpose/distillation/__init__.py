"""Networks of few steps: latent consistency distillation, its LightningModule, and LoRA."""
