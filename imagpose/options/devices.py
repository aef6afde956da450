"""The devices that this machine has."""

from __future__ import annotations

from imagpose.errors import InputError


def check_device(name: str, option: str = "--device") -> None:
    """Refuse a device that nothing can be computed on.

    Args:
        name: Torch's name of it, such as ``cuda:1``.
        option: By which it was named, for the message.

    Raises:
        InputError: This machine has no such device, or there is none of that name.
    """
    import torch  # whoever names no device need not wait for it

    try:
        torch.empty(0, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"{option} {name} cannot be used ({str(error).splitlines()[0]}).") from error
