"""One compression: teachers' maps, training, measurements, and the decision to keep the small model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import nn

from geoseg.errors import InputError
from geoseg.models import Model, load_model, save_model
from geoseg.models.card.card import CARD_FILE
from geoseg.models.inference.device import choose_device, device_name
from geoseg.progress.reporters import Reporter
from geoseg.raster.stacks.places import files_of
from geoseg.train.compress import measure
from geoseg.train.compress.card import compressed_card, with_measurements
from geoseg.train.compress.distillation import class_orders, student
from geoseg.train.compress.options import CompressOptions
from geoseg.train.compress.pruning import pruned
from geoseg.train.compress.teachers import teach
from geoseg.train.compress.verdict import Compression
from geoseg.train.data.label_images import Sources
from geoseg.train.fit import Fitted, Task, fit
from geoseg.train.half_precision import measure_half_precision
from geoseg.train.model_folder import replaced_folder
from geoseg.train.prepare import Prepared, prepare
from geoseg.train.start.network import start_network


@dataclass(frozen=True, eq=False)
class Run:
    """One compression; its training is :mod:`geoseg.train`'s."""

    model: Model
    options: CompressOptions
    sources: Sources
    output: Path
    reporter: Reporter

    def made(self, folder: Path) -> Compression:
        """Return the result; ``folder`` is for what is needed meanwhile."""
        options, reporter, training = self.options, self.reporter, self.options.training
        reporter.start(
            model=self.model.ref, output=str(self.output),
            images=[str(image) for image in files_of(self.sources.images)],
            method=options.method, epochs=training.epochs,
        )  # fmt: skip
        originals, learner = self._networks()
        orders = class_orders(originals, learner)
        images, reading = self.sources.images, self.sources.reading
        soft = teach(originals, orders, images, reading, folder, training, reporter)
        prepared = prepare(self.sources, training, learner, reporter, soft)
        if not prepared.validated:
            raise InputError(
                "no place can be held out, so what the small model loses cannot be measured: give more or larger images"
            )
        reporter.info(f"windows of {prepared.window} px; {prepared.split.summary}")
        base = None if options.new_network else learner
        network, start = start_network(prepared.card, training, base, prepared.window)
        return self._trained(prepared, originals, network, start, folder)

    def _networks(self) -> tuple[list[Model], Model]:
        """Return the models to stand in for, and the small one to train."""
        if self.options.prune is not None:
            return [self.model], pruned(self.model, self.options.prune)
        return [load_model(teacher) for teacher in self.options.distil], student(self.model, self.options)

    def _trained(
        self, prepared: Prepared, originals: list[Model], network: nn.Module, start: str, folder: Path
    ) -> Compression:
        """Train the small network, measure, and write it if it pays."""
        others = "the original's classes" if self.options.method == "prune" else "the teachers' classes"
        before = measure.held_matrix(prepared, measure.by_maps(prepared))
        first = measure.held_matrix(prepared, measure.by_network(network.eval()))
        untrained = measure.measured(first, [Model(prepared.card, module=network)], None)
        stage = "fine-tune" if self.options.method == "prune" else "distil"
        task = Task(prepared, self.options.training, network.train(), start, folder / "training", stage, scored=False)
        fitted = fit(task, self.reporter)
        prepared.check_unchanged()
        facts = Compression(
            path=None,
            before=measure.measured(before, originals, None),
            start=untrained,
            after=untrained,
            reference="labels" if self.sources.labels else others,
            windows=len(prepared.validation_windows()),
            pixels=int(first.sum()),
        )
        return self._written(prepared, originals, fitted, facts)

    def _written(self, prepared: Prepared, originals: list[Model], fitted: Fitted, facts: Compression) -> Compression:
        """Write the small model, measure it as it is in its folder, and keep it if it pays."""
        options, training = self.options, self.options.training
        card = compressed_card(prepared, options, fitted, originals, self.output)
        with replaced_folder(self.output) as partial:
            small = save_model(partial, card, fitted.state)
            matrix = measure.held_matrix(prepared, measure.by_network(small.module()))
            slow, fast = measure.speeds(originals, small, training, prepared.scenes[0].raster.dtype)
            before, after = replace(facts.before, rate=slow), measure.measured(matrix, [small], fast)
            made = replace(facts, before=before, after=after)
            self._report(made)
            made.check_worth(options.max_loss)
            half = measure_half_precision(prepared, small.module(), training.device)
            machine = device_name(choose_device(training.device)[0])
            with_measurements(small.card, made, options, originals, machine, half).write(partial / CARD_FILE)
        made = replace(made, path=self.output)
        self.reporter.result(
            outputs={"model": str(self.output)},
            metrics={"loss": made.loss, "speedup": made.speedup, "before": asdict(before), "after": asdict(after)},
        )
        return made

    def _report(self, made: Compression) -> None:
        names = ("original", "pruned") if self.options.method == "prune" else ("teachers", "untrained")
        for name, values in zip((*names, "small"), (made.before, made.start, made.after), strict=True):
            self.reporter.info(f"{name + ':':<10} {values}")
        self.reporter.info(
            f"against {made.reference} on {made.windows} held-out windows: mean IoU {-made.loss:+.4f}, "
            f"{made.speedup:.2f} times the speed, {made.after.size / made.before.size:.2f} of the bytes"
        )
