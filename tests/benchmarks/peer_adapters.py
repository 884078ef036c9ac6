"""One peer on one scene, in the way its documentation shows. Runs in the peer's environment, without geoseg.

    python peer_adapters.py PEER --scene scene.tif --weights net.safetensors --encoder resnet18 --out out.tif …

Prints one JSON line: seconds from the open file to the written class map, peak resident memory, versions.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import rasterio
import torch
from process_memory import peak_bytes

MEAN, STD, CLASSES = 1500.0, 1000.0, 6


class Scaled(torch.nn.Module):
    """The network with its normalisation, for input that a library divided by ``k`` first."""

    def __init__(self, net: torch.nn.Module, k: float) -> None:
        super().__init__()
        self.net, self.k = net, k

    def forward(self, x):
        return self.net((x * self.k - MEAN) / STD)


def network(given, k: float = 1.0) -> torch.nn.Module:
    import segmentation_models_pytorch as smp
    from safetensors.torch import load_file

    more = json.loads(given.kwargs)
    net = smp.Unet(given.encoder, encoder_weights=None, in_channels=given.bands, classes=CLASSES, **more)
    net.load_state_dict(load_file(given.weights))
    net = net.eval()
    if given.channels_last:
        net = net.to(memory_format=torch.channels_last)
    return Scaled(net, k).eval()


def write(given, classes) -> None:
    with rasterio.open(given.scene) as file:
        profile = {**file.profile, "count": 1, "dtype": "uint8", "predictor": 1, "nodata": None}
    with rasterio.open(given.out, "w", **profile) as file:
        file.write(np.asarray(classes, np.uint8), 1)


def whole(given) -> torch.Tensor:
    with rasterio.open(given.scene) as file:
        return torch.from_numpy(file.read().astype(np.float32))[None]


def naive(given, net) -> None:
    """What a practised user writes: a loop over windows that keeps their centres."""
    from rasterio.windows import Window

    with torch.inference_mode(), rasterio.open(given.scene) as source:
        (height, width), side, half = source.shape, given.tile, given.overlap // 2
        step = side - given.overlap
        profile = {**source.profile, "count": 1, "dtype": "uint8", "predictor": 1, "nodata": None}
        rows = sorted({min(i, height - side) for i in range(0, height - given.overlap, step)})
        cols = sorted({min(i, width - side) for i in range(0, width - given.overlap, step)})
        windows = [(row, col) for row in rows for col in cols]
        with rasterio.open(given.out, "w", **profile) as out:
            for start in range(0, len(windows), given.batch):
                batch = windows[start : start + given.batch]
                data = [source.read(window=Window(col, row, side, side)) for row, col in batch]
                found = net(torch.from_numpy(np.stack(data).astype(np.float32))).argmax(1).byte().numpy()
                for (row, col), classes in zip(batch, found, strict=True):
                    top, left = (0 if row == 0 else half), (0 if col == 0 else half)
                    bottom = side if row + side == height else side - half
                    right = side if col + side == width else side - half
                    part = Window(col + left, row + top, right - left, bottom - top)
                    out.write(classes[top:bottom, left:right], 1, window=part)


def monai(given, net) -> None:
    from monai.inferers import sliding_window_inference

    with torch.inference_mode():
        size, overlap = (given.tile, given.tile), given.overlap / given.tile
        scores = sliding_window_inference(whole(given), size, given.batch, net, overlap=overlap, mode="gaussian")
        write(given, scores.argmax(1)[0].byte().numpy())


def terratorch(given, net) -> None:
    from terratorch.tasks.tiled_inference import tiled_inference

    stride = given.tile - given.overlap
    scores = tiled_inference(
        net, whole(given), crop=given.tile, stride=stride, delta=8, batch_size=given.batch, blend_overlaps=True
    )
    write(given, scores.argmax(1)[0].byte().numpy())


def torchgeo(given, net) -> None:
    """GridGeoSampler and DataLoader; the library has no stitcher, so centres are put together by hand."""
    from torch.utils.data import DataLoader
    from torchgeo.datasets import RasterDataset, stack_samples
    from torchgeo.samplers import GridGeoSampler

    class LabelledScene(RasterDataset):
        filename_glob = Path(given.scene).name
        is_image = True
        separate_files = False

    with torch.inference_mode():
        dataset = LabelledScene(str(Path(given.scene).parent))
        sampler = GridGeoSampler(dataset, size=given.tile, stride=given.tile - given.overlap)
        loader = DataLoader(dataset, batch_size=given.batch, sampler=sampler, collate_fn=stack_samples)
        with rasterio.open(given.scene) as file:
            transform, (height, width) = file.transform, file.shape
        out, side, half = np.zeros((height, width), np.uint8), given.tile, given.overlap // 2
        for batch in loader:
            found = net(batch["image"].float()).argmax(1).byte().numpy()
            for classes, bounds in zip(found, batch["bounds"], strict=True):
                tensor = isinstance(bounds, torch.Tensor)
                left, top = (float(bounds[0]), float(bounds[4])) if tensor else (bounds[0].start, bounds[1].stop)
                col, row = round((left - transform.c) / transform.a), round((top - transform.f) / transform.e)
                r0, c0 = (0 if row <= 0 else row + half), (0 if col <= 0 else col + half)
                r1 = min(height, row + side - (half if row + side < height else 0))
                c1 = min(width, col + side - (half if col + side < width else 0))
                out[r0:r1, c0:c1] = classes[r0 - row : r1 - row, c0 - col : c1 - col]
        write(given, out)


def geoai(given, net) -> None:
    from geoai.inference import predict_geotiff

    predict_geotiff(
        net, given.scene, given.out, tile_size=given.tile, overlap=given.overlap, batch_size=given.batch,
        num_classes=CLASSES, output_dtype="uint8", output_nodata=255, blend_mode="spline",
        preprocess_fn=lambda tile: tile, postprocess_fn=lambda p: p.argmax(0)[None].astype(np.uint8), device="cpu",
        verbose=False,
    )  # fmt: skip


def rastervision(given, net) -> None:
    from rastervision.core.data import ClassConfig, SemanticSegmentationLabels
    from rastervision.pytorch_learner import (
        SemanticSegmentationGeoDataConfig,
        SemanticSegmentationLearner,
        SemanticSegmentationLearnerConfig,
        SemanticSegmentationSlidingWindowGeoDataset,
        SolverConfig,
    )

    names = ClassConfig(names=[f"c{i}" for i in range(CLASSES)], null_class="c0")
    bands = list(range(given.bands))
    data = SemanticSegmentationGeoDataConfig(
        class_config=names, num_workers=0, img_channels=given.bands, img_sz=given.tile
    )
    config = SemanticSegmentationLearnerConfig(data=data, solver=SolverConfig(batch_sz=given.batch))
    folder = f"{given.out}_rv"
    learner = SemanticSegmentationLearner(config, model=net, training=False, output_dir=folder)
    dataset = SemanticSegmentationSlidingWindowGeoDataset.from_uris(
        image_uri=given.scene, image_raster_source_kw={"channel_order": bands}, size=given.tile,
        stride=given.tile - given.overlap,
    )  # fmt: skip
    found = learner.predict_dataset(dataset, raw_out=True, numpy_out=True, progress_bar=False)
    labels = SemanticSegmentationLabels.from_predictions(
        dataset.windows, found, extent=dataset.scene.extent, num_classes=CLASSES, smooth=True
    )
    grid = dataset.scene.raster_source.crs_transformer
    labels.save(uri=folder, crs_transformer=grid, class_config=names, smooth_output=False)
    shutil.move(f"{folder}/labels.tif", given.out)
    shutil.rmtree(folder)


def onnx_session(given, net):
    """The network as QGIS's Deepness wants it: an ONNX file that takes pixels / 255 and returns probabilities."""
    import onnxruntime

    path, side = f"{given.out}.onnx", given.tile
    module = torch.nn.Sequential(net, torch.nn.Softmax(1)).eval()
    sample = torch.zeros(1, given.bands, side, side)
    torch.onnx.export(module, (sample,), path, input_names=["x"], dynamo=True, external_data=False, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": np.asarray(x)})[0]


def onnx(given, net) -> None:
    """What Deepness does, without QGIS, in which alone it runs: window after window into a map of the whole scene."""
    with rasterio.open(given.scene) as file:
        data = file.read()
    (_, height, width), side, half = data.shape, given.tile, given.overlap // 2
    classes = np.zeros((height, width), np.uint8)
    step = side - given.overlap
    for row in sorted({min(i, height - side) for i in range(0, height - given.overlap, step)}):
        for col in sorted({min(i, width - side) for i in range(0, width - given.overlap, step)}):
            tile = data[None, :, row : row + side, col : col + side].astype(np.float32) / 255
            found = net(tile)[0].argmax(0)
            top, left = (0 if row == 0 else half), (0 if col == 0 else half)
            classes[row + top : row + side, col + left : col + side] = found[top:, left:]
    write(given, classes)


# What a library divides whole numbers of 16 bits by before the network sees them.
PEERS = {
    "naive": (naive, 1.0), "monai": (monai, 1.0), "terratorch": (terratorch, 1.0), "torchgeo": (torchgeo, 1.0),
    "geoai": (geoai, 1.0), "rastervision": (rastervision, 65535.0),
    "onnx": (onnx, 255.0),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=list(PEERS))
    for name in ("scene", "weights", "encoder", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--kwargs", default="{}")
    parser.add_argument("--channels-last", action="store_true")
    for name, value in (("bands", 4), ("tile", 512), ("overlap", 128), ("batch", 4)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    call, k = PEERS[given.peer]
    net = network(given, k)
    if given.peer == "onnx":
        net = onnx_session(given, net)
    with torch.inference_mode():  # kernels are loaded before the clock runs, for everybody
        net(torch.zeros(1, given.bands, given.tile, given.tile))
    start = time.perf_counter()
    call(given, net)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak_bytes(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
