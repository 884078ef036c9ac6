"""``geoseg composite``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import CommaList, FilePath, progress_option, reading_of, reading_options


@click.command()
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@click.option("-o", "--output", required=True, type=FilePath(), metavar="C.tif", help="File to write.")
@click.option(
    "--method",
    type=click.Choice(["median", "medoid", "mean", "first", "best"]),
    default="median",
    show_default=True,
    help="median or mean of each band; medoid, the date nearest to the median; first scene that has data; best, far "
    "from missing data and near the target date.",
)
@click.option("--dates", type=CommaList(), metavar="DATE,…",
              help="When each scene was taken, for best. Default: the dates in their names.")  # fmt: skip
@click.option("--target-date", metavar="DATE", help="Date that best prefers. Default: the one in the middle.")
@click.option("--cloud-distance", type=click.IntRange(1, 255), default=50, show_default=True, metavar="PX",
              help="Pixels from missing data from which a pixel counts as far from clouds, for best.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@reading_options
@progress_option
def composite(scenes: tuple[str, ...], output: Path, progress: str, **values: Any) -> None:
    """Join scenes of one place, taken at several dates, into one.

    Each pixel is made of the dates that have data there in every band. C.tif lies on the pixels of the first scene,
    extended to all of them; its last band, count, is the number of dates with data. With --stack each SCENE is a
    folder whose files are the bands of one date.
    """
    from geoseg.errors import OptionError
    from geoseg.progress.reporters import reporter
    from geoseg.raster.composite import composite as join
    from geoseg.write.measurements import write_raster

    reading = reading_of(values)
    if "allow_remote" in reading:
        raise OptionError("allow-remote does not apply to a composite: name the remote files themselves")
    overwrite = values.pop("overwrite")
    events = reporter(progress)
    events.start(scenes=list(scenes), output=str(output))
    raster = join(list(scenes), name=output.stem, **reading, **values)
    for note in raster.notes:
        events.warning(note)
    try:
        path = write_raster(
            raster, output, overwrite=overwrite, progress=lambda done, total: events.progress(done, total, "compose")
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing is kept") from None
    events.result(outputs={"composite": str(path)}, scenes=len(raster.inputs[0].dates))
