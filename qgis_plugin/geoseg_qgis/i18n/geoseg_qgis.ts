<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en">
<context>
    <name>GeoSeg</name>
    <message>
        <location filename="../accuracy.py"/>
        <source>Accuracy and areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>1. Points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Drawn at random within each class; more points give narrower intervals</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Draw points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <source>Class map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../accuracy_report.py"/>
        <source>Points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../render_dialog.py"/>
        <source>File</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>2. What do you see at the marked point?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Leave the point without a class; it does not count</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>3. Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Make the report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Points to interpret</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>GeoSeg: accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../change_result.py"/>
        <source>Back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Skip</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Run a model on a raster first, or add its class map to the project.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Continue with these points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Point {place} of {count}, {done} done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Saved as {page} and {report}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>{path} holds no points of geoseg</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../corrections.py"/>
        <location filename="../object_labels.py"/>
        <source>{path} cannot be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../label_layer.py"/>
        <location filename="../rendered.py"/>
        <location filename="../vectors.py"/>
        <source>{path} cannot be written: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>{predicted} compared with {reference}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Confusion matrix</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../sketch_table.py"/>
        <source>Class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>User's accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Producer's accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Reference, px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>± are half widths of 95 % confidence intervals.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>map ▸ reference</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>reference ▸ map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Overall accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean IoU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean F1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Pixels compared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>units²</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Interpreted points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Accuracy and areas of {map}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mapped, {unit}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Area, {unit}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a model to see its bands here. Without one, write names for the raster's, as in blue=1,green=2.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a raster to see its bands here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>by the names of the raster's bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>As in blue=1,green=2: the model's band, and the number of the raster's</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose the bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg has no Python yet: open Plugins ▸ GeoSeg ▸ Environment… and make or choose one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Empty: geoseg's default model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>… or a model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Which band is which, as blue=1,green=2,… Empty: by the bands' descriptions. 'Inspect raster' says what fits and what to write.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scale: value = stored × scale + offset</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Offset</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Nodata value, instead of the file's</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Pixel size in CRS units; the finest band's if empty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Minimum area of a polygon in m²; smaller ones are merged into a neighbour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>As they are</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Square, for buildings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Circles, for what is round</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../report.py"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scene: one raster, or several with its bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Extent; all of the scene if empty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scenes: one raster each</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Labels: polygons, lines or points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Field with the class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Simplify: how far borders may be moved, in metres</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Shape of outlines</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../algorithms/sketch.py"/>
        <source>No raster is chosen, or it cannot be opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg's Python does not work: {reason}. See Plugins ▸ GeoSeg ▸ Environment…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Name of an installed model; the panel refreshes the list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>'{name}' is no raster file: render the part that you need to a file first, in the GeoSeg panel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{share} % has changed; {area} more differ, but are not certain</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Detect changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Compares two class maps of one place, or two scenes that a model maps first: polygons of what became what, a raster of the transitions, and a report with their areas.

Classes are matched by name. What a small shift between the dates explains is not counted as a change. The maps may lie on different grids: the later one is brought to the pixels of the earlier one.

If a run with a model is cancelled, it goes on where it was when it is started again with the same scenes and options.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{change}: {area}, {polygons} polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Minimum area of a change in m²; smaller ones are merged into a neighbour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Classes to rename or merge</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>As old=new, by commas: forest=tree,shrub= makes forest tree, and leaves shrub out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Before: class map, or scene of one raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_inputs.py"/>
        <source>After</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Empty: both are class maps.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Tolerance: shift in pixels that is no change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Confidence that both dates need, in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../changes.py"/>
        <location filename="../results.py"/>
        <source>Changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../results.py"/>
        <source>Transitions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>{count} smaller transitions are in the report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Detect objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Finds objects, such as buildings or trees, each one whole across the windows that the model sees, with class, score and area.

Models trained for objects keep those apart that touch; with any other model each connected region of a class is one object. Sort the table by score to look at the least certain ones first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Minimum area of an object in m²; smaller ones are left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Lowest score of objects, 0 to 1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Only these classes, names by commas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../results.py"/>
        <source>Objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>{label}: {number} objects, {hectares} ha</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Holds a class map against a reference: a class raster, or polygons with a field that names the class. The accuracy table opens in the results viewer: overall accuracy, IoU, F1, user's and producer's accuracy of each class, and the confusion matrix.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>HTML files (*.html)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Reference: raster or polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Field with the class, of reference polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>JSON files (*.json)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Accuracy table</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Overall accuracy: {share}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Inspect raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Says what is in a raster, whether it fits a model, how to fix it if it does not, and what a run will cost. Nothing is computed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>geoseg said nothing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Whether it fits the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Why it does not fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Options that would fix it, as JSON</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Seconds a run takes here; -1 if not known</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>warning: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>fits model {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>no CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Next places to label</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Proposes polygons where a label would help a model most: uncertain, large enough to judge, unlike what is labelled already, and spread over the map. Each has the class that the model believes: correct it, delete what you cannot judge, and use the layer as labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Side of the largest polygon in pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Class map; confidence and report lie beside it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>What is labelled already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Scenes of the results: places are compared by their bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Number of places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Places to label</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Polygonize class map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Turns a class map of any size, or any raster of whole numbers, into polygons with class, true area and perimeter. Regions are never cut, and borders that are simplified neither gap nor overlap.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels without class; instead of the file's own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Band</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Confidence raster on the same grid</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Round the stair steps of pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Only these classes, numbers or names, by commas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>All classes but these</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Classes that the minimum area does not apply to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels that touch at corners belong together</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../results.py"/>
        <source>Polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segment raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segments a satellite, aerial or drone raster with a model into a class map, confidence and land-cover polygons, all with names and colours.

Several rasters are the bands of one scene. A run that was cancelled goes on where it was when it is started again with the same files and options.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <location filename="../results.py"/>
        <source>Confidence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Sketch a model from labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Makes a model from a few polygons, lines or points of each class, in seconds and without a GPU, for any bands. Draw each class in three places or more: the log says how well drawings that were held out are told apart. An earlier sketch of the same raster saves what was computed for it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Model whose answers help</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Empty: a bundled model that fits, if there is one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Earlier sketch of the raster: its model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <location filename="../algorithms/train.py"/>
        <source>Model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Train model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Trains a model on scenes and labels: polygons, lines or points (a field names the class), or a raster for each scene. With a model to start from it is fine-tuned, which needs far fewer labels. What no label covers is ignored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Model to start from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Metres around lines and points that they label, too</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Side of training windows in pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Windows of a step; what fits into memory if empty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Learning rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>… or label rasters, one for each scene</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Empty: a new network is trained from random weights.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Epochs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Architecture, as unet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Encoder, as resnet18</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Device: auto, cpu, cuda</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Give a layer of labels or label rasters, one of the two.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Window: side of what the model sees, in pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Margin: context around a window that is not kept, in pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Stitching</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Precision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Device: auto, cpu, cuda, cuda:1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Memory budget, as 4GB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Finished parts are kept in {folder}: run it again to go on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: polygons can be written as {formats}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../band_table.py"/>
        <source>(none)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Class maps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Swap</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Exchange before and after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>What a shift by so many pixels explains is no change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../panel_run.py"/>
        <source>off</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Smaller changes are merged into what is around them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>geoseg_changes, beside the first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Replace existing results</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Compare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Tolerance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Minimum area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Results</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose two different layers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose a model in the GeoSeg panel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Model of the panel: {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two raster files of one place to the project.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two class maps of one place to the project, or run a model on two scenes first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>bands {bands}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{place} of {count}: {change}, {area}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Steps through the changes of the selected row, the largest first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Shows the two dates in turns, a second each</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Before left, after right of a line that can be dragged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../render_dialog.py"/>
        <source>Area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Next place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>What is shown of this date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Flicker</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Swipe</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Nothing has changed; {area} differ, but are not certain.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>The polygons of the changes are not in the project, or there are none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_result.py"/>
        <source>This polygon is gone; on to the next.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>All changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>confidence {percent} %</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../corrections.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <location filename="../sketch_labels.py"/>
        <location filename="../sketch_loop.py"/>
        <source>{path} cannot be opened</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{name} (is added)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_area.py"/>
        <source>The area cannot be transformed: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>What is compared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>GeoSeg: changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../report.py"/>
        <source>Run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>Compares in the background</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelling…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelled. Run again to go on where it was.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <source>Cancelled.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Done: {folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../dock.py"/>
        <source>The project's GeoSeg entry cannot be read: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Nothing is outlined there: click elsewhere on it, or with Shift on more of it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outline by a click</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outlined, score {score:.2f}. Shift adds to it, Ctrl takes away.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>It may go on: zoom out and click again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The labels cannot be edited.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The outline cannot be added to the labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>No click model is installed. Add the two ONNX files of one, such as SAM: {command}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>Before: {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>After: {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster first; then correct its polygons.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster, or name new classes first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Corrections</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>There are no labels yet: edit polygons of the result, or draw some.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>GeoSeg</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>Set up…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../panel_sketch.py"/>
        <source>geoseg needs a Python of its own. It is made in a few minutes, outside of QGIS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../environment_page.py"/>
        <source>Diagnostics are on the clipboard.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>geoseg does not run: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>The models cannot be listed: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg runs in a Python of its own, outside QGIS: nothing is installed into QGIS itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Needs about {size} on disk ({free:.0f} GB free), in {folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Set up GeoSeg</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Check</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../plugin.py"/>
        <source>Copy diagnostics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>CPU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>NVIDIA GPU (CUDA)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <source>Advanced</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>A wheel, a folder with geoseg's source, or a name in the package index</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Choose a folder with geoseg's source</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>the system's; else http://host:port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>without network: a folder filled by `pip download`</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The commands that Install runs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Remove the installation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Source</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Proxy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Wheel folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Commands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Own Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>a python program that has geoseg; empty: the installation above</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Use it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg is not installed yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Folder with geoseg's source</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The disk of {folder} has {free:.1f} GB free, {size} are needed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>What was downloaded is kept: Install continues from there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install PyTorch from the ordinary package index instead (about {size:.0f} GB)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Downloading and unpacking: {done:.1f} of about {total:.1f} GB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Preparing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Installing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking: importing geoseg and its dependencies</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Removed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Compute on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Looking for a Python that geoseg can be installed with…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking {python}: importing geoseg and what it needs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{python}: not checked yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{minutes:.0f} min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Done: {what}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Bands and values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Bands in other layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Scale</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>No data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../render_dialog.py"/>
        <source>Pixel size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Simplify</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Batch size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Tile size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../report.py"/>
        <source>Device</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Class field</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>New classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name at least two classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Two classes have the same name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Names of classes must not contain commas, colons or equals signs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Colour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Add a class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Remove the selected class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name what is to be told apart. Then draw some examples of each class; a model is trained on them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>There is no folder {folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <location filename="../phases.py"/>
        <source>Looking for uncertain places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Place {number} of {count}: “{name}” by the model, {confidence:.0f} % sure. Draw what it is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Sketch first: places are looked for on its map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>There are no uncertain places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>The map shows no part of the raster: zoom to it first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>GeoSeg preview</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>What lies outside of the polygons has no class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>native</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Pixel size of the map; the raster is resampled to it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>No polygon is selected: select some in a vector layer first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Whole raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Map view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Drawn polygon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Selected polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw the area on the map first: click its corners, right-click to finish.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>The chosen area lies outside of the raster '{name}'.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>value = stored × scale + offset; 1/10000 for reflectance × 10,000</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Further layers that hold bands of the same scene</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>as in the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Bands of the same scene in other layers:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels, {waiting} edited polygons that are no labels yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Toggle editing on the polygons and change class or shape, or draw labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{count} polygons are labels now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Labels and training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../sketch_labels.py"/>
        <source>New classes…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <source>Name classes, draw examples of them on this raster, and train a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Edited polygons → labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Save your edits of the result and use the edited polygons as labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw polygons of known class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>New model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Side of the squares that the model is trained on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Tiles that are computed at a time; fewer need less memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>By how much each step changes the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw some polygons of each class, in places that differ.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>automatic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model on classes of your own, or correct the map that a run gives.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Fine-tune the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Give the new model a name of letters, digits, - and _.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>GeoSeg: training {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>There is a model called {name}: choose another name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Model {name} is trained and in the list</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{place} of {count}: {name}, score {score:.2f}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Detect…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Find objects on the chosen raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Next uncertain</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Zoom to the objects with the lowest scores, one after the other</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete the selected objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Split</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw a line through an object that should be two</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Merge</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Make one object of those that are selected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Draw</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw an object that is missing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Where you have looked at every object; elsewhere nothing will be learned</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Objects → labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Save the edits, and turn the objects into labels to train on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Checked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../panel_sketch.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Add a raster layer to the project.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>There are no objects with a score.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select objects first; “Next uncertain” selects one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select the parts of the object, further ones with Shift and a click, then press “Merge” again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Choose the raster that the objects were found on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>The map view does not show the raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{count} objects are labels now: train a model on them below.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{name} cannot be edited.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{place} of {count}: {name}, confidence {confidence:.0f} %, {area:,.1f} ha</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Zoom to uncertain</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Steps through the least certain polygons; small ones and narrow strips come later</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>GeoSeg report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>There are no polygons with a confidence.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{path} cannot be read: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview of the visible part</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the visible part of the map and show it as an overlay</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the chosen area in the background</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg_results, beside the raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Smaller polygons are merged into their neighbours</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>By how much borders of polygons may be moved to make them smoother</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Cutting out the polygon…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>GeoSeg: {scene}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>The results folder {folder} cannot be used: {reason}. Choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview after {seconds:.1f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>{size:.4g} map units</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg computes on {device}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>computed with pixels of {size}: zoom in to see what the run will give</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs {count} bands ({needs}), the raster has {have} ({names}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Add a model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Fix</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Render to a file…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Folder of a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Checking whether they fit…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>In the unit assumed now, the values do not look like those that the model was trained on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs the bands {needs}. The raster does not name {missing}: choose them below.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model was trained on reflectance, which digital numbers become by a gain and an offset: write those of the scene's metadata into Scale and Offset below, or convert the scene to reflectance first. Without them only a model of your own can be used, trained on this raster (New classes…).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source> (default)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>No installed model works with these bands alone. Add bands from other layers below, add a model folder (…), or name classes of your own, draw examples and train a model on them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>the first run, or a preview, measures how long it takes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The unit of the values is not checked: the model does not say how its own are distributed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Choose a raster and a model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>They fit: {count} bands, {size:.1f} Mpx</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>{size:.1f} GB of memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Use model {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>about {seconds:.0f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Select a class, draw it in three places or more, and save the edits.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Save the edits of the labels, learn a model from them, and show its map of the visible part</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Zoom to the place where a label would help most, one after the other</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class: a click model such as SAM outlines it in the labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The click model that outlines</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch when edits are saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Outlining</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Name classes, draw some places of each, and see a map of the visible part within seconds.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>There are unsaved edits: save them, or press Sketch.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Shown {seconds:.1f} s after saving. Run maps the whole raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The labels were removed from the project: choose others, or make new classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class. Shift adds to it, Ctrl takes away.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>; newer drawings wait</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>{count} drawings have no class and are left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The edits cannot be saved: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch after {seconds:.1f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>{band}: {low:.2g} to {high:.2g}, half of it below {middle:.2g}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>As in the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance 0…1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance as 0…255</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 10,000</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 65,535</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Sentinel-2 since 2022</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Unit of the values; choose another one to change it:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source> (as assumed now)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>The values are stored in another unit than assumed. Which picture looks natural?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>It cannot be told in which unit the values are stored. Which picture looks natural?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>gain and offset are needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Black border (value {value}) = no data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of value {value} = no data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of one colour = no data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>; {share:.0f} % of the raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Digital numbers of the sensor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Starting geoseg (loading PyTorch)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Loading scene and model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Measuring the fastest settings, once for this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Segmenting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Writing the class map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Making polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Comparing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Drawing points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Searching the best settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Reading what was drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Learning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>{time} left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>GeoSeg panel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Accuracy and areas…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Detect changes…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Environment…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Help</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Render to a file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>GeoTIFF (*.tif)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels are too many: choose a smaller area or larger pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels, at most {size:,.1f} MB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>That is a lot: many providers forbid bulk downloads. Choose a smaller area or larger pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>The layer states no terms of use: make sure that the provider allows copies and their analysis.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>About {count:,} tiles are fetched from {host}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Terms of the provider: {terms}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>Give a file name that ends in .tif.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The folder {folder} cannot be written.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The map cannot be written (error {code}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Scene</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Windows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <location filename="../results.py"/>
        <source>Classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../results.py"/>
        <source>GeoSeg {scene}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Name classes and draw examples of them on this raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Draw the class that is selected in the table</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Choose a layer of labels, or make new classes first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>What is drawn has no class: choose one for each drawing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Nothing is drawn yet: draw some places of each class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Labels of {raster}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Only “{name}” is drawn: draw something of another class, too.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_loop.py"/>
        <source>Comparing other ways to learn; draw on meanwhile</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged: each class was drawn in one place only. Draw each in two places or more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % of the held-out pixels are right ({places} places).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % ± {spread:.0f} of the held-out pixels are right ({places} places).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Measured on drawings that were left out of learning. Expect less of the whole map: it has borders and mixed pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Select the class that you draw next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Number and area of the drawings of the class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Share of the pixels of held-out drawings that the model gets right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>not judged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged, drawn in one place only: {names}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
