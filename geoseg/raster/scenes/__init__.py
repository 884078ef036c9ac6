"""From a path or URL to the files of a scene, with the band metadata that the scene states.

``discover`` finds out what a path is; ``sentinel2`` reads .SAFE products, ``stac`` STAC items, ``zarr_store`` Zarr
stores; ``scene`` holds the values they return (``SceneFiles``); ``suffixes`` which files of a folder count.
May import: raster.gdal, raster.bands, raster.probe.
"""
