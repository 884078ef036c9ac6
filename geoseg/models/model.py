"""A model ready to be used: its card, where it came from, and its network, built when first asked for."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError
from geoseg.models.card.card import CARD_FILE, ModelCard

if TYPE_CHECKING:
    import torch

# Networks of this process by fingerprint: every Model of the same files shares one, however often it was unpickled.
_MODULES: dict[str, torch.nn.Module] = {}
_LOCK = threading.Lock()


class Model:
    """A card with its network.

    Pickles as a reference: another process loads the same files again and refuses others. A model made from a module
    (``Model(card, module=net)``) carries the module along.

    Parameters
    ----------
    card
        What is known of it.
    folder
        Model folder, if it came from one.
    ref
        What :func:`geoseg.load_model` needs to find it again: name or path.
    module
        The network itself, for models that are not in a folder: float32 (N, bands, h, w) normalised →
        logits (N, classes, h, w), h and w multiples of ``card.stride``. If it has a true attribute ``pointwise``, each
        pixel's logits must depend on that pixel alone; it is then run in cache-sized strips.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        folder: Path | None = None,
        ref: str | None = None,
        module: torch.nn.Module | None = None,
    ) -> None:
        self.card = card
        self.folder = folder
        self.ref = ref if ref is not None else card.name
        self._given = module

    def __repr__(self) -> str:
        return f"Model({self.ref!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "geoseg.Model", self.fingerprint

    def __reduce__(self) -> tuple[Any, ...]:
        if self._given is not None:
            return _from_module, (self.card.to_item(), self.ref, self._given)
        return _from_ref, (self.ref, self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over card and weights: equal fingerprints give equal results."""
        digest = hashlib.sha256(json.dumps(self.card.to_item(), sort_keys=True).encode())
        if self._given is not None:
            _digest_module(digest, self._given)
        elif self.card.weights is None:
            from geoseg.models.networks.builtin import source_of

            digest.update(source_of(self.card))
        elif self.card.weights.checksum is None and self.folder is not None:
            # A card from elsewhere that brings no checksum: the file itself is asked.
            from geoseg.models.folder import weights_path

            digest.update(hashlib.sha256(weights_path(self.folder, self.card).read_bytes()).digest())
        return digest.hexdigest()

    def module(self) -> torch.nn.Module:
        """Return the network in eval mode, on the CPU, float32; shared by the process, so treat it as read-only.

        Raises
        ------
        ModelError
            If the weights are missing, damaged, unsafe or do not fit the architecture.
        """
        if self._given is not None:
            return self._given.eval()
        with _LOCK:
            if self.fingerprint not in _MODULES:
                _MODULES[self.fingerprint] = self._build()
            return _MODULES[self.fingerprint]

    def verify(self) -> None:
        """Check that the weights are complete and unchanged.

        Raises
        ------
        ModelError
            If size or checksum differ from the card's.
        """
        if self.folder is not None and self.card.weights is not None:
            from geoseg.models.folder import read_weights

            read_weights(self.folder, self.card)

    def _build(self) -> torch.nn.Module:
        if self.card.weights is None:
            from geoseg.models.networks.builtin import build_builtin

            return build_builtin(self.card)
        if self.folder is None:
            raise ModelError(f"model {self.card.name!r} has weights but no folder; load it with load_model(folder)")
        from geoseg.models.folder import build_module

        return build_module(self.folder, self.card)


def _digest_module(digest: Any, module: torch.nn.Module) -> None:
    digest.update(f"{type(module).__module__}.{type(module).__qualname__}\n{module!r}".encode())
    for name, part in module.named_modules():
        # Numbers and words that a layer holds beside its tensors; repr() shows them only where its author chose to.
        plain = {
            key: value
            for key, value in vars(part).items()
            if isinstance(value, (bool, int, float, str, tuple, type(None)))
        }
        digest.update(f"{name}{sorted(plain.items(), key=lambda entry: entry[0])!r}".encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(dtype=_uint8()).numpy().tobytes())


def _uint8() -> Any:
    import torch

    return torch.uint8


def _from_module(item: dict[str, Any], ref: str, module: torch.nn.Module) -> Model:
    return Model(ModelCard.from_item(item), ref=ref, module=module)


def _from_ref(ref: str, fingerprint: str) -> Model:
    from geoseg.models.registry import load_model

    model = load_model(ref)
    if model.fingerprint != fingerprint:
        raise ModelError(
            f"model {ref!r} here differs from the one that the work was planned with: its card or weights changed "
            f"({CARD_FILE}); start again with the same files on every machine"
        )
    return model
