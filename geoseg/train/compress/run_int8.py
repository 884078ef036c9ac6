"""One quantisation to 8-bit integers: ranges, choice of layers, measurements, and the decision to keep the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError
from geoseg.evaluate.metrics import scores
from geoseg.models import Model
from geoseg.models.card.card import CARD_FILE, ModelCard
from geoseg.models.export.export import traced
from geoseg.models.export.onnx_metadata import with_metadata
from geoseg.models.export.options import ExportOptions
from geoseg.models.export.static_int8 import StaticQuantizer
from geoseg.models.export.trace import wrapped
from geoseg.models.inference.device import choose_device, device_name
from geoseg.models.model import open_folder, open_onnx
from geoseg.models.weights import ONNX
from geoseg.progress.reporters import Reporter
from geoseg.raster.stacks.places import files_of
from geoseg.train.compress import measure
from geoseg.train.compress.card import quantized_card, with_measurements
from geoseg.train.compress.options import CompressOptions
from geoseg.train.compress.quantization import Quantized, search
from geoseg.train.compress.verdict import Compression, Measured
from geoseg.train.data.augment import Augment
from geoseg.train.data.images import open_images
from geoseg.train.data.label_images import Sources
from geoseg.train.data.samples import TrainingWindows
from geoseg.train.data.soft_labels import AnyClass
from geoseg.train.model_folder import replaced_folder
from geoseg.train.prepare import Prepared, prepare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Windows that give the ranges of activations, if the user says nothing, and those of them on which layers are ranked.
_WINDOWS, _RANKING = 32, 2

# Held-out windows on which graphs are measured, at most.
_HELD = 96

_FILE = f"model{ONNX}"

# Logits: a softmax inside the graph would be computed twice, since geoseg takes it itself.
_EXPORT = ExportOptions(logits=True)


@dataclass(frozen=True, eq=False)
class Int8Run:
    """One quantisation."""

    model: Model
    options: CompressOptions
    sources: Sources
    output: Path
    reporter: Reporter

    def made(self, _folder: Path) -> Compression:
        """Return the result; nothing but it is written."""
        card, reporter = self.model.card, self.reporter
        if card.weights is not None and card.weights.href.lower().endswith(ONNX):
            raise ModelError(f"model {card.name!r} {_why_not(self.model)}")
        reporter.start(
            model=self.model.ref, output=str(self.output), method="int8",
            images=[str(image) for image in files_of(self.sources.images)],
        )  # fmt: skip
        prepared = self._prepared()
        reporter.info(f"windows of {prepared.window} px; {prepared.split.summary}")
        windows = self._windows(prepared)
        reporter.progress(0, 1, f"trace {card.name}")
        proto, _, _ = traced(card, wrapped(self.model, _EXPORT), _EXPORT)
        reporter.progress(0, 1, f"calibrate on {len(windows)} windows")
        quantizer = StaticQuantizer(proto, windows, card.name)
        labelled = bool(self.sources.labels)
        original = measure.by_network(self.model.module())
        held = measure.HeldOut(prepared, None if labelled else original, _HELD)
        reporter.progress(0, 1, f"measure {card.name} on {len(held.numbers)} held-out windows")
        first = measure.measured(held.matrix(original), [self.model], None)

        def score(graph: bytes) -> NDArray[np.int64]:
            return held.matrix(measure.by_graph(graph))

        wanted, ranking = first.mean_iou - self.options.max_loss, windows[:_RANKING]
        whole, best = search(quantizer, proto.SerializeToString(), ranking, score, wanted, reporter.progress)
        prepared.check_unchanged()
        facts = Compression(
            path=None,
            before=first,
            start=_measured(whole, first),
            after=first,
            reference="labels" if labelled else "the original's classes",
            windows=len(held.numbers),
            pixels=int(whole.matrix.sum()),
            blocks=(best.blocks, len(quantizer.blocks)),
        )
        # Refused before anything is timed or written.
        replace(facts, after=_measured(best, first)).check_loss(self.options.max_loss)
        return self._written(prepared, best, facts, held, len(windows))

    def _prepared(self) -> Prepared:
        soft = []
        if not self.sources.labels:
            card = self.model.card
            images = open_images(self.sources.images, self.sources.reading, card)
            soft = [AnyClass.on(image, len(card.classes)) for image in images]
        return prepare(self.sources, self.options.training, self.model, self.reporter, soft, learns=False)

    def _windows(self, prepared: Prepared) -> list[NDArray[np.float32]]:
        """Return windows (1, bands, h, w) of the part that is not held out."""
        training, still = self.options.training, Augment(0.0)
        scenes = [replace(scene, soft=None) for scene in prepared.scenes]
        samples = TrainingWindows(scenes, prepared.sampler(prepared.window, still), still, training.seed)
        return [samples[number].x[None].numpy() for number in range(training.windows or _WINDOWS)]

    def _written(
        self, prepared: Prepared, best: Quantized, facts: Compression, held: measure.HeldOut, windows: int
    ) -> Compression:
        """Write the graph, measure it as it is in its folder, and keep it if it pays."""
        count, training = len(prepared.scenes), self.options.training
        images = f"calibrated on {windows} windows of {count} image{'s' * (count != 1)}; {prepared.split.summary}"
        card = quantized_card(self.model, self.output, images)
        with replaced_folder(self.output) as partial:
            small = _save(partial, best.proto, card)
            again = replace(best, matrix=held.matrix(measure.by_network(small.module())))
            slow, fast = measure.speeds([self.model], small, training, prepared.scenes[0].raster.dtype)
            after = replace(_measured(again, facts.before), rate=fast)
            made = replace(facts, before=replace(facts.before, rate=slow), after=after)
            self._report(made)
            made.check_worth(self.options.max_loss)
            machine = device_name(choose_device(training.device)[0])
            _save(partial, best.proto, with_measurements(card, made, self.options, [self.model], machine))
        made = replace(made, path=self.output)
        self.reporter.result(
            outputs={"model": str(self.output)},
            metrics={
                "loss": made.loss, "speedup": made.speedup, "before": asdict(made.before), "after": asdict(made.after)
            },
        )  # fmt: skip
        return made

    def _report(self, made: Compression) -> None:
        assert made.blocks is not None
        for name, values in (("original", made.before), ("all 8-bit", made.start), ("int8", made.after)):
            self.reporter.info(f"{name + ':':<10} {values}")
        self.reporter.info(
            f"against {made.reference} on {made.windows} held-out windows: mean IoU {-made.loss:+.4f} with "
            f"{made.blocks[0]} of {made.blocks[1]} blocks in 8 bits, {made.speedup:.2f} times the speed, "
            f"{made.after.size / made.before.size:.2f} of the bytes"
        )
        if made.speedup < 1:
            self.reporter.warning(
                f"it is slower here ({made.speedup:.2f} times the speed): integers pay off on processors with 8-bit "
                "dot products (AVX-512 VNNI, AVX-VNNI, AMX, Arm dot product)"
            )


def _measured(graph: Quantized, original: Measured) -> Measured:
    """Return the measurements of a graph, which has the parameters of the original."""
    result = scores(graph.matrix)
    return replace(
        original, mean_iou=graph.mean_iou, overall_accuracy=float(result.overall_accuracy), size=graph.size, rate=None
    )


def _why_not(model: Model) -> str:
    from geoseg.models.networks.onnx import parse
    from geoseg.models.weights import read_weights

    assert model.folder is not None
    proto = parse(read_weights(model.folder, model.card), f"model {model.card.name!r}")
    if any(node.op_type.startswith(("Quantize", "Dequantize", "QLinear")) for node in proto.graph.node):
        return "is in 8-bit integers already: give the model it was made from"
    return "is an ONNX graph: give the model it was exported from, whose network geoseg can trace"


def _save(folder: Path, proto: Any, card: ModelCard) -> Model:
    """Write graph and card, and return the model in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    path.write_bytes(with_metadata(proto, card, _EXPORT, _FILE))
    open_onnx(path).card.write(folder / CARD_FILE)
    return open_folder(folder, str(folder))
