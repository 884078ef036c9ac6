"""AP equals that of pycocotools, the evaluator of COCO's authors, on the same shapes as polygons and as masks."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.evaluate import ObjectOptions, evaluate_objects

pytest.importorskip("pycocotools")

SIDE = 48
SIZES = (36.0, 120.0)


def coco_precisions(objects, reference):
    """pycocotools' AP (4 sizes, 10 IoUs, K classes); NaN where the reference has none."""
    from pycocotools import mask as masks
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def records(frame):
        frame = frame.assign(area=frame.area).join(frame.bounds)
        # geoseg's order of equal scores and equal overlaps; pycocotools takes the order of the file.
        frame = frame.sort_values(["minx", "miny", "maxx", "maxy", "area"], kind="stable")
        for row in frame.itertuples():
            ys, xs = np.mgrid[:SIDE, :SIDE] + 0.5
            mask = shapely.contains_xy(row.geometry, xs, ys)
            rle = masks.encode(np.asfortranarray(mask.astype(np.uint8)))
            yield {"image_id": 1, "category_id": int(row.class_id), "segmentation": rle}, row

    truth = COCO()
    truth.dataset = {
        "info": {}, "images": [{"id": 1, "height": SIDE, "width": SIDE}],
        "categories": [{"id": k} for k in sorted({*objects.class_id, *reference.class_id})],
        "annotations": [
            {**record, "id": number, "iscrowd": 0, "area": row.area} for number, (record, row) in
            enumerate(records(reference), 1)
        ],
    }  # fmt: skip
    truth.createIndex()
    found = truth.loadRes([{**record, "score": row.score} for record, row in records(objects)])
    run = COCOeval(truth, found, "segm")
    run.params.areaRng = [[0, 1e10], [0, SIZES[0]], list(SIZES), [SIZES[1], 1e10]]
    run.params.maxDets = [1, 10, 10_000]
    run.evaluate()
    run.accumulate()
    precision = run.eval["precision"][..., -1]
    return np.where(precision < 0, np.nan, precision).mean(1).transpose(2, 0, 1)


def check(objects, reference):
    result = evaluate_objects(objects, reference, options=ObjectOptions(sizes=SIZES))
    order = [sorted(result.classes, key=int).index(name) for name in result.classes]
    np.testing.assert_allclose(result.precisions, coco_precisions(objects, reference)[..., order], atol=1e-12)
    return result


def frame(shapes, classes, scores=None):
    columns = {"class_id": np.asarray(classes, int)} | ({} if scores is None else {"score": scores})
    return gpd.GeoDataFrame(columns, geometry=list(shapes))


def scene(seed, count=60):
    """References of three classes, some L-shaped and some overlapping, and objects near most of them."""
    rng = np.random.default_rng(seed)

    def shape(x, y, w, h, cut):
        whole = shapely.box(x, y, min(x + w, SIDE), min(y + h, SIDE))
        return whole - shapely.box(x + w / 2, y + h / 2, x + w, y + h) if cut and w % 2 == h % 2 == 0 else whole

    numbers = np.column_stack([rng.integers(0, SIDE - 3, (count, 2)), rng.integers(2, 16, (count, 2))])
    cut, classes = rng.random(count) < 0.3, rng.integers(1, 4, count)
    near = np.clip(numbers + rng.integers(-1, 2, numbers.shape), [0, 0, 2, 2], SIDE - 3)
    near = np.concatenate([near, near[: count // 3]])
    picked = np.concatenate([classes, np.where(rng.random(count // 3) < 0.5, classes[: count // 3], 1)])
    reference = frame([shape(*row, c) for row, c in zip(numbers.tolist(), cut, strict=True)], classes)
    objects = frame([shape(*row, c) for row, c in zip(near.tolist(), np.resize(cut, len(near)), strict=True)], picked)
    return objects.assign(score=rng.permutation(len(near)) / len(near)), reference


@pytest.mark.parametrize("seed", range(3))
def test_ap_equals_cocos_by_size_iou_and_class(seed):
    result = check(*scene(seed))
    assert 0.05 < result.average_precision < 0.95
    assert not np.isnan(result.precisions[:, :, 0]).any()


BOXES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 6), st.integers(1, 6), st.integers(1, 2)),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(BOXES, BOXES, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_ap_equals_cocos_on_crowded_boxes_with_equal_scores(ours, theirs, scores):
    def boxes(rows):
        return [shapely.box(x, y, x + w, y + h) for x, y, w, h, _ in rows], [row[-1] for row in rows]

    shared = {row[-1] for row in ours} & {row[-1] for row in theirs}
    if shared:
        check(frame(*boxes(ours), np.array(scores[: len(ours)]) / 4), frame(*boxes(theirs)))
