<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="es" sourcelanguage="en">
<context>
    <name>GeoSeg</name>
    <message>
        <location filename="../accuracy.py"/>
        <source>Accuracy and areas</source>
        <translation>Exactitud y superficies</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>1. Points</source>
        <translation>1. Puntos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Drawn at random within each class; more points give narrower intervals</source>
        <translation>Sorteados al azar en cada clase; más puntos dan intervalos más estrechos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Draw points</source>
        <translation>Sortear puntos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <source>Class map</source>
        <translation>Mapa de clases</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../accuracy_report.py"/>
        <source>Points</source>
        <translation>Puntos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../render_dialog.py"/>
        <source>File</source>
        <translation>Archivo</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>2. What do you see at the marked point?</source>
        <translation>2. ¿Qué ve en el punto marcado?</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Leave the point without a class; it does not count</source>
        <translation>Dejar el punto sin clase; no cuenta</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>3. Report</source>
        <translation>3. Informe</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Make the report</source>
        <translation>Crear el informe</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Points to interpret</source>
        <translation>Puntos por interpretar</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>GeoSeg: accuracy</source>
        <translation>GeoSeg: exactitud</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../change_result.py"/>
        <source>Back</source>
        <translation>Atrás</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Skip</source>
        <translation>Omitir</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Run a model on a raster first, or add its class map to the project.</source>
        <translation>Ejecute primero un modelo sobre un ráster, o añada su mapa de clases al proyecto.</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Continue with these points</source>
        <translation>Continuar con estos puntos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Point {place} of {count}, {done} done</source>
        <translation>Punto {place} de {count}, {done} hechos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Saved as {page} and {report}</source>
        <translation>Guardado como {page} y {report}</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>{path} holds no points of geoseg</source>
        <translation>{path} no contiene puntos de geoseg</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../corrections.py"/>
        <location filename="../object_labels.py"/>
        <source>{path} cannot be written</source>
        <translation>No se puede escribir {path}</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../label_layer.py"/>
        <location filename="../rendered.py"/>
        <location filename="../vectors.py"/>
        <source>{path} cannot be written: {reason}</source>
        <translation>No se puede escribir {path}: {reason}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>{predicted} compared with {reference}</source>
        <translation>{predicted} comparado con {reference}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Confusion matrix</source>
        <translation>Matriz de confusión</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../sketch_table.py"/>
        <source>Class</source>
        <translation>Clase</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>User's accuracy</source>
        <translation>Exactitud del usuario</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Producer's accuracy</source>
        <translation>Exactitud del productor</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Reference, px</source>
        <translation>Referencia, px</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>± are half widths of 95 % confidence intervals.</source>
        <translation>± son semianchuras de intervalos de confianza del 95 %.</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>map ▸ reference</source>
        <translation>mapa ▸ referencia</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>reference ▸ map</source>
        <translation>referencia ▸ mapa</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Overall accuracy</source>
        <translation>Exactitud global</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean IoU</source>
        <translation>IoU media</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean F1</source>
        <translation>F1 medio</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Pixels compared</source>
        <translation>Píxeles comparados</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>units²</source>
        <translation>unidades²</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Interpreted points</source>
        <translation>Puntos interpretados</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Accuracy and areas of {map}</source>
        <translation>Exactitud y superficies de {map}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mapped, {unit}</source>
        <translation>Cartografiado, {unit}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Area, {unit}</source>
        <translation>Superficie, {unit}</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a model to see its bands here. Without one, write names for the raster's, as in blue=1,green=2.</source>
        <translation>Elija un modelo para ver aquí sus bandas. Sin modelo, escriba nombres para las del ráster, como blue=1,green=2.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a raster to see its bands here.</source>
        <translation>Elija un ráster para ver aquí sus bandas.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>by the names of the raster's bands</source>
        <translation>por los nombres de las bandas del ráster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>As in blue=1,green=2: the model's band, and the number of the raster's</source>
        <translation>Como en blue=1,green=2: la banda del modelo y el número de la del ráster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose the bands</source>
        <translation>Elegir las bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg has no Python yet: open Plugins ▸ GeoSeg ▸ Environment… and make or choose one.</source>
        <translation>GeoSeg aún no tiene Python: abra Complementos ▸ GeoSeg ▸ Entorno… y cree o elija uno.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Empty: geoseg's default model.</source>
        <translation>Vacío: el modelo predeterminado de geoseg.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>… or a model folder</source>
        <translation>… o una carpeta de modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands</source>
        <translation>Bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Which band is which, as blue=1,green=2,… Empty: by the bands' descriptions. 'Inspect raster' says what fits and what to write.</source>
        <translation>Qué banda es cuál, como blue=1,green=2,… Vacío: según las descripciones de las bandas. «Inspeccionar ráster» dice qué encaja y qué escribir.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scale: value = stored × scale + offset</source>
        <translation>Escala: valor = almacenado × escala + desplazamiento</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Offset</source>
        <translation>Desplazamiento</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Nodata value, instead of the file's</source>
        <translation>Valor sin datos, en lugar del del archivo</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Pixel size in CRS units; the finest band's if empty</source>
        <translation>Tamaño de píxel en unidades del SRC; vacío: el de la banda más fina</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Minimum area of a polygon in m²; smaller ones are merged into a neighbour</source>
        <translation>Área mínima de un polígono en m²; los menores se unen a un vecino</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>As they are</source>
        <translation>Como están</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Square, for buildings</source>
        <translation>En ángulo recto, para edificios</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Circles, for what is round</source>
        <translation>Círculos, para lo redondo</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../report.py"/>
        <source>Model</source>
        <translation>Modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scene: one raster, or several with its bands</source>
        <translation>Escena: un ráster, o varios con sus bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Extent; all of the scene if empty</source>
        <translation>Extensión; vacío: toda la escena</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scenes: one raster each</source>
        <translation>Escenas: un ráster cada una</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Labels: polygons, lines or points</source>
        <translation>Etiquetas: polígonos, líneas o puntos</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Field with the class</source>
        <translation>Campo de clase</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Simplify: how far borders may be moved, in metres</source>
        <translation>Simplificar: cuánto pueden moverse los bordes, en metros</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Shape of outlines</source>
        <translation>Forma de los contornos</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../algorithms/sketch.py"/>
        <source>No raster is chosen, or it cannot be opened.</source>
        <translation>No se ha elegido ningún ráster, o no se puede abrir.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg's Python does not work: {reason}. See Plugins ▸ GeoSeg ▸ Environment…</source>
        <translation>El Python de GeoSeg no funciona: {reason}. Véase Complementos ▸ GeoSeg ▸ Entorno…</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands: {reason}</source>
        <translation>Bandas: {reason}</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Name of an installed model; the panel refreshes the list.</source>
        <translation>Nombre de un modelo instalado; el panel actualiza la lista.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>'{name}' is no raster file: render the part that you need to a file first, in the GeoSeg panel.</source>
        <translation>«{name}» no es un archivo ráster: renderice primero a un archivo la parte que necesita, en el panel GeoSeg.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{share} % has changed; {area} more differ, but are not certain</source>
        <translation>Ha cambiado el {share} %; otras {area} difieren, pero sin certeza</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Detect changes</source>
        <translation>Detectar cambios</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Compares two class maps of one place, or two scenes that a model maps first: polygons of what became what, a raster of the transitions, and a report with their areas.

Classes are matched by name. What a small shift between the dates explains is not counted as a change. The maps may lie on different grids: the later one is brought to the pixels of the earlier one.

If a run with a model is cancelled, it goes on where it was when it is started again with the same scenes and options.</source>
        <translation>Compara dos mapas de clases de un mismo lugar, o dos escenas que un modelo cartografía primero: polígonos de qué se convirtió en qué, un ráster de las transiciones y un informe con sus superficies.

Las clases se emparejan por su nombre. Lo que explica un pequeño desplazamiento entre las fechas no cuenta como cambio. Los mapas pueden estar en cuadrículas distintas: el posterior se lleva a los píxeles del anterior.

Si se cancela una ejecución con un modelo, continúa donde estaba al iniciarla de nuevo con las mismas escenas y opciones.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{change}: {area}, {polygons} polygons</source>
        <translation>{change}: {area}, {polygons} polígonos</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Minimum area of a change in m²; smaller ones are merged into a neighbour</source>
        <translation>Área mínima de un cambio en m²; los menores se unen a un vecino</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Classes to rename or merge</source>
        <translation>Clases que se renombran o se unen</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>As old=new, by commas: forest=tree,shrub= makes forest tree, and leaves shrub out.</source>
        <translation>Como antiguo=nuevo, separados por comas: forest=tree,shrub= convierte forest en tree y omite shrub.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Before: class map, or scene of one raster</source>
        <translation>Antes: mapa de clases, o escena de un solo ráster</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_inputs.py"/>
        <source>After</source>
        <translation>Después</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Empty: both are class maps.</source>
        <translation>Vacío: ambos son mapas de clases.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Tolerance: shift in pixels that is no change</source>
        <translation>Tolerancia: desplazamiento en píxeles que no es un cambio</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Confidence that both dates need, in percent</source>
        <translation>Confianza que necesitan ambas fechas, en porcentaje</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../changes.py"/>
        <location filename="../results.py"/>
        <source>Changes</source>
        <translation>Cambios</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../results.py"/>
        <source>Transitions</source>
        <translation>Transiciones</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>{count} smaller transitions are in the report</source>
        <translation>{count} transiciones menores están en el informe</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Detect objects</source>
        <translation>Detectar objetos</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Finds objects, such as buildings or trees, each one whole across the windows that the model sees, with class, score and area.

Models trained for objects keep those apart that touch; with any other model each connected region of a class is one object. Sort the table by score to look at the least certain ones first.</source>
        <translation>Encuentra objetos, como edificios o árboles, cada uno entero a través de las ventanas que ve el modelo, con clase, puntuación y área.

Los modelos entrenados para objetos separan los que se tocan; con cualquier otro modelo, cada región conexa de una clase es un objeto. Ordene la tabla por puntuación para ver primero los menos seguros.</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Minimum area of an object in m²; smaller ones are left out</source>
        <translation>Área mínima de un objeto en m²; los menores se omiten</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Lowest score of objects, 0 to 1</source>
        <translation>Puntuación mínima de los objetos, de 0 a 1</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Only these classes, names by commas</source>
        <translation>Solo estas clases, nombres separados por comas</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../results.py"/>
        <source>Objects</source>
        <translation>Objetos</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>{label}: {number} objects, {hectares} ha</source>
        <translation>{label}: {number} objetos, {hectares} ha</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Evaluar mapa</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Holds a class map against a reference: a class raster, or polygons with a field that names the class. The accuracy table opens in the results viewer: overall accuracy, IoU, F1, user's and producer's accuracy of each class, and the confusion matrix.</source>
        <translation>Compara un mapa de clases con una referencia: un ráster de clases, o polígonos con un campo de clase. La tabla de exactitud se abre en el visor de resultados: exactitud global, IoU, F1, exactitud del usuario y del productor de cada clase y la matriz de confusión.</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>HTML files (*.html)</source>
        <translation>Archivos HTML (*.html)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Reference: raster or polygons</source>
        <translation>Referencia: ráster o polígonos</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Field with the class, of reference polygons</source>
        <translation>Campo de clase de los polígonos de referencia</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>Report</source>
        <translation>Informe</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>JSON files (*.json)</source>
        <translation>Archivos JSON (*.json)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Accuracy table</source>
        <translation>Tabla de exactitud</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Overall accuracy: {share}</source>
        <translation>Exactitud global: {share}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Inspect raster</source>
        <translation>Inspeccionar ráster</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Says what is in a raster, whether it fits a model, how to fix it if it does not, and what a run will cost. Nothing is computed.</source>
        <translation>Dice qué contiene un ráster, si encaja con un modelo, cómo corregirlo si no, y qué costará una ejecución. No se calcula nada.</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>geoseg said nothing</source>
        <translation>geoseg no devolvió nada</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Whether it fits the model</source>
        <translation>Si encaja con el modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Why it does not fit</source>
        <translation>Por qué no encaja</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Options that would fix it, as JSON</source>
        <translation>Opciones que lo corregirían, en JSON</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Seconds a run takes here; -1 if not known</source>
        <translation>Segundos que tarda aquí una ejecución; -1 si se desconoce</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>warning: {text}</source>
        <translation>advertencia: {text}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>fits model {model}</source>
        <translation>encaja con el modelo {model}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>no CRS</source>
        <translation>sin SRC</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Next places to label</source>
        <translation>Próximos lugares que etiquetar</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Proposes polygons where a label would help a model most: uncertain, large enough to judge, unlike what is labelled already, and spread over the map. Each has the class that the model believes: correct it, delete what you cannot judge, and use the layer as labels.</source>
        <translation>Propone polígonos donde una etiqueta ayudaría más a un modelo: inciertos, lo bastante grandes para juzgarlos, distintos de lo ya etiquetado y repartidos por el mapa. Cada uno tiene la clase que supone el modelo: corríjala, borre lo que no pueda juzgar y use la capa como etiquetas.</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Side of the largest polygon in pixels</source>
        <translation>Lado del polígono más grande en píxeles</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Class map; confidence and report lie beside it</source>
        <translation>Mapa de clases; la confianza y el informe están al lado</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>What is labelled already</source>
        <translation>Lo que ya está etiquetado</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Scenes of the results: places are compared by their bands</source>
        <translation>Escenas de los resultados: los lugares se comparan por sus bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Number of places</source>
        <translation>Número de lugares</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Places to label</source>
        <translation>Lugares que etiquetar</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Polygonize class map</source>
        <translation>Poligonizar mapa de clases</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Turns a class map of any size, or any raster of whole numbers, into polygons with class, true area and perimeter. Regions are never cut, and borders that are simplified neither gap nor overlap.</source>
        <translation>Convierte un mapa de clases de cualquier tamaño, o cualquier ráster de enteros, en polígonos con clase, área real y perímetro. Las regiones nunca se cortan, y los bordes simplificados no dejan huecos ni se solapan.</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels without class; instead of the file's own</source>
        <translation>Píxeles sin clase; en lugar de lo que indica el archivo</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Band</source>
        <translation>Banda</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Confidence raster on the same grid</source>
        <translation>Ráster de confianza en la misma cuadrícula</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Round the stair steps of pixels</source>
        <translation>Suavizar los escalones de los píxeles</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Only these classes, numbers or names, by commas</source>
        <translation>Solo estas clases, números o nombres, separados por comas</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>All classes but these</source>
        <translation>Todas las clases menos estas</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Classes that the minimum area does not apply to</source>
        <translation>Clases a las que no se aplica el área mínima</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels that touch at corners belong together</source>
        <translation>Los píxeles que se tocan en las esquinas van juntos</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../results.py"/>
        <source>Polygons</source>
        <translation>Polígonos</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segment raster</source>
        <translation>Segmentar ráster</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segments a satellite, aerial or drone raster with a model into a class map, confidence and land-cover polygons, all with names and colours.

Several rasters are the bands of one scene. A run that was cancelled goes on where it was when it is started again with the same files and options.</source>
        <translation>Segmenta un ráster de satélite, aéreo o de dron con un modelo en un mapa de clases, la confianza y polígonos de cobertura, todo con nombres y colores.

Varios rásteres son las bandas de una escena. Una ejecución cancelada continúa donde estaba al iniciarla de nuevo con los mismos archivos y opciones.</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <location filename="../results.py"/>
        <source>Confidence</source>
        <translation>Confianza</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Sketch a model from labels</source>
        <translation>Esbozar un modelo a partir de etiquetas</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Makes a model from a few polygons, lines or points of each class, in seconds and without a GPU, for any bands. Draw each class in three places or more: the log says how well drawings that were held out are told apart. An earlier sketch of the same raster saves what was computed for it.</source>
        <translation>Hace un modelo con unos pocos polígonos, líneas o puntos de cada clase, en segundos y sin GPU, para cualquier banda. Dibuje cada clase en tres lugares o más: el registro dice lo bien que se distinguen los dibujos reservados. Un esbozo anterior del mismo ráster ahorra lo que ya se calculó para él.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Model whose answers help</source>
        <translation>Modelo cuyas respuestas ayudan</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Empty: a bundled model that fits, if there is one.</source>
        <translation>Vacío: un modelo incluido que encaje, si lo hay.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Earlier sketch of the raster: its model folder</source>
        <translation>Esbozo anterior del ráster: la carpeta de su modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <location filename="../algorithms/train.py"/>
        <source>Model folder</source>
        <translation>Carpeta del modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Train model</source>
        <translation>Entrenar modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Trains a model on scenes and labels: polygons, lines or points (a field names the class), or a raster for each scene. With a model to start from it is fine-tuned, which needs far fewer labels. What no label covers is ignored.</source>
        <translation>Entrena un modelo con escenas y etiquetas: polígonos, líneas o puntos (un campo nombra la clase), o un ráster por escena. Con un modelo de partida se ajusta este, lo que requiere muchas menos etiquetas. Lo que ninguna etiqueta cubre se ignora.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Model to start from</source>
        <translation>Modelo de partida</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Metres around lines and points that they label, too</source>
        <translation>Metros alrededor de líneas y puntos que también etiquetan</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Side of training windows in pixels</source>
        <translation>Lado de las ventanas de entrenamiento en píxeles</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Windows of a step; what fits into memory if empty</source>
        <translation>Ventanas por paso; vacío: las que caben en memoria</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Learning rate</source>
        <translation>Tasa de aprendizaje</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>… or label rasters, one for each scene</source>
        <translation>… o rásteres de etiquetas, uno por escena</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Empty: a new network is trained from random weights.</source>
        <translation>Vacío: se entrena una red nueva con pesos aleatorios.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Epochs</source>
        <translation>Épocas</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Architecture, as unet</source>
        <translation>Arquitectura, p. ej. unet</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Encoder, as resnet18</source>
        <translation>Codificador, p. ej. resnet18</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Device: auto, cpu, cuda</source>
        <translation>Dispositivo: auto, cpu, cuda</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Give a layer of labels or label rasters, one of the two.</source>
        <translation>Indique una capa de etiquetas o rásteres de etiquetas, uno de los dos.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Window: side of what the model sees, in pixels</source>
        <translation>Ventana: lado de lo que ve el modelo, en píxeles</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Margin: context around a window that is not kept, in pixels</source>
        <translation>Margen: contexto alrededor de una ventana que no se conserva, en píxeles</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Stitching</source>
        <translation>Unión de ventanas</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Precision</source>
        <translation>Precisión</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Device: auto, cpu, cuda, cuda:1</source>
        <translation>Dispositivo: auto, cpu, cuda, cuda:1</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Memory budget, as 4GB</source>
        <translation>Límite de memoria, p. ej. 4GB</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Finished parts are kept in {folder}: run it again to go on.</source>
        <translation>Las partes terminadas se conservan en {folder}: ejecute de nuevo para continuar.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: polygons can be written as {formats}</source>
        <translation>{path}: los polígonos se pueden escribir como {formats}</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif</source>
        <translation>{path}: los mapas de clases y la confianza son GeoTIFF; el nombre debe terminar en .tif</translation>
    </message>
    <message>
        <location filename="../band_table.py"/>
        <source>(none)</source>
        <translation>(ninguna)</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Class maps</source>
        <translation>Mapas de clases</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Scenes</source>
        <translation>Escenas</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Swap</source>
        <translation>Intercambiar</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Exchange before and after</source>
        <translation>Intercambiar antes y después</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>What a shift by so many pixels explains is no change</source>
        <translation>Lo que explica un desplazamiento de tantos píxeles no es un cambio</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../panel_run.py"/>
        <source>off</source>
        <translation>no</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Smaller changes are merged into what is around them</source>
        <translation>Los cambios menores se unen a lo que los rodea</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>geoseg_changes, beside the first</source>
        <translation>geoseg_changes, junto al primero</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Replace existing results</source>
        <translation>Reemplazar los resultados</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Compare</source>
        <translation>Comparar</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Before</source>
        <translation>Antes</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Tolerance</source>
        <translation>Tolerancia</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Minimum area</source>
        <translation>Área mínima</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Results</source>
        <translation>Resultados</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose two different layers.</source>
        <translation>Elija dos capas distintas.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose a model in the GeoSeg panel.</source>
        <translation>Elija un modelo en el panel GeoSeg.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Model of the panel: {name}</source>
        <translation>Modelo del panel: {name}</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two raster files of one place to the project.</source>
        <translation>Añada al proyecto dos archivos ráster de un mismo lugar.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two class maps of one place to the project, or run a model on two scenes first.</source>
        <translation>Añada al proyecto dos mapas de clases de un mismo lugar, o ejecute antes un modelo sobre dos escenas.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>bands {bands}</source>
        <translation>bandas {bands}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{place} of {count}: {change}, {area}</source>
        <translation>{place} de {count}: {change}, {area}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Steps through the changes of the selected row, the largest first</source>
        <translation>Recorre los cambios de la fila elegida, el mayor primero</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Shows the two dates in turns, a second each</source>
        <translation>Muestra las dos fechas por turnos, un segundo cada una</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Before left, after right of a line that can be dragged</source>
        <translation>Antes a la izquierda y después a la derecha de una línea que se puede arrastrar</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture before</source>
        <translation>Imagen anterior</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture after</source>
        <translation>Imagen posterior</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Change</source>
        <translation>Cambio</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../render_dialog.py"/>
        <source>Area</source>
        <translation>Área</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Next place</source>
        <translation>Siguiente lugar</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>What is shown of this date</source>
        <translation>Lo que se muestra de esta fecha</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Flicker</source>
        <translation>Alternar</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Swipe</source>
        <translation>Deslizar</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Nothing has changed; {area} differ, but are not certain.</source>
        <translation>Nada ha cambiado; {area} difieren, pero sin certeza.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>The polygons of the changes are not in the project, or there are none.</source>
        <translation>Los polígonos de los cambios no están en el proyecto, o no hay ninguno.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_result.py"/>
        <source>This polygon is gone; on to the next.</source>
        <translation>Este polígono ya no existe; pase al siguiente.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>All changes</source>
        <translation>Todos los cambios</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>confidence {percent} %</source>
        <translation>confianza {percent} %</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../corrections.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <location filename="../sketch_labels.py"/>
        <location filename="../sketch_loop.py"/>
        <source>{path} cannot be opened</source>
        <translation>No se puede abrir {path}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{name} (is added)</source>
        <translation>{name} (se añade)</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_area.py"/>
        <source>The area cannot be transformed: {reason}</source>
        <translation>No se puede transformar el área: {reason}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>What is compared</source>
        <translation>Qué se compara</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>GeoSeg: changes</source>
        <translation>GeoSeg: cambios</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../report.py"/>
        <source>Run</source>
        <translation>Ejecutar</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Cancel</source>
        <translation>Cancelar</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>Compares in the background</source>
        <translation>Compara en segundo plano</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelling…</source>
        <translation>Cancelando…</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelled. Run again to go on where it was.</source>
        <translation>Cancelado. Ejecute de nuevo para continuar donde estaba.</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <source>Cancelled.</source>
        <translation>Cancelado.</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Done: {folder}</source>
        <translation>Hecho: {folder}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../dock.py"/>
        <source>The project's GeoSeg entry cannot be read: {reason}</source>
        <translation>No se puede leer la entrada de GeoSeg del proyecto: {reason}</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Nothing is outlined there: click elsewhere on it, or with Shift on more of it.</source>
        <translation>Allí no se delimita nada: haga clic en otro punto del objeto o, con Mayús, en más puntos.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outline by a click</source>
        <translation>Contorno con un clic</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outlined, score {score:.2f}. Shift adds to it, Ctrl takes away.</source>
        <translation>Delimitado, puntuación {score:.2f}. Mayús añade, Ctrl quita.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>It may go on: zoom out and click again.</source>
        <translation>Puede continuar: aleje la vista y haga clic de nuevo.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The labels cannot be edited.</source>
        <translation>Las etiquetas no se pueden editar.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The outline cannot be added to the labels.</source>
        <translation>El contorno no se puede añadir a las etiquetas.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>No click model is installed. Add the two ONNX files of one, such as SAM: {command}</source>
        <translation>No hay ningún modelo de clic instalado. Añada los dos archivos ONNX de uno, como SAM: {command}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>Before: {name}</source>
        <translation>Antes: {name}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>After: {name}</source>
        <translation>Después: {name}</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster first; then correct its polygons.</source>
        <translation>Ejecute primero un modelo sobre un ráster; después corrija sus polígonos.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster, or name new classes first.</source>
        <translation>Ejecute primero un modelo sobre un ráster, o nombre clases nuevas.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Corrections</source>
        <translation>Correcciones</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Labels</source>
        <translation>Etiquetas</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>There are no labels yet: edit polygons of the result, or draw some.</source>
        <translation>Aún no hay etiquetas: edite polígonos del resultado o dibuje algunos.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>GeoSeg</source>
        <translation>GeoSeg</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>Set up…</source>
        <translation>Configurar…</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../panel_sketch.py"/>
        <source>geoseg needs a Python of its own. It is made in a few minutes, outside of QGIS.</source>
        <translation>geoseg necesita su propio Python. Se crea en unos minutos, fuera de QGIS.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../environment_page.py"/>
        <source>Diagnostics are on the clipboard.</source>
        <translation>El diagnóstico está en el portapapeles.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>geoseg does not run: {reason}</source>
        <translation>geoseg no funciona: {reason}</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>The models cannot be listed: {reason}</source>
        <translation>No se pueden listar los modelos: {reason}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg runs in a Python of its own, outside QGIS: nothing is installed into QGIS itself.</source>
        <translation>geoseg funciona en su propio Python, fuera de QGIS: no se instala nada en QGIS.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Needs about {size} on disk ({free:.0f} GB free), in {folder}</source>
        <translation>Necesita unos {size} de disco ({free:.0f} GB libres), en {folder}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Set up GeoSeg</source>
        <translation>Configurar GeoSeg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Check</source>
        <translation>Comprobar</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../plugin.py"/>
        <source>Copy diagnostics</source>
        <translation>Copiar diagnóstico</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Close</source>
        <translation>Cerrar</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install</source>
        <translation>Instalar</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>NVIDIA GPU (CUDA)</source>
        <translation>GPU NVIDIA (CUDA)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <source>Advanced</source>
        <translation>Avanzado</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>A wheel, a folder with geoseg's source, or a name in the package index</source>
        <translation>Un wheel, una carpeta con el código de geoseg o un nombre del índice de paquetes</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Choose a folder with geoseg's source</source>
        <translation>Elegir una carpeta con el código de geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>the system's; else http://host:port</source>
        <translation>el del sistema; si no, http://host:port</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>without network: a folder filled by `pip download`</source>
        <translation>sin red: una carpeta llenada con `pip download`</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The commands that Install runs</source>
        <translation>Las órdenes que ejecuta Instalar</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Remove the installation</source>
        <translation>Eliminar la instalación</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Source</source>
        <translation>Origen</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Wheel folder</source>
        <translation>Carpeta de wheels</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Commands</source>
        <translation>Órdenes</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Own Python</source>
        <translation>Python propio</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>a python program that has geoseg; empty: the installation above</source>
        <translation>un programa python que tenga geoseg; vacío: la instalación de arriba</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Use it</source>
        <translation>Usar</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Log</source>
        <translation>Registro</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg is not installed yet.</source>
        <translation>geoseg aún no está instalado.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Folder with geoseg's source</source>
        <translation>Carpeta con el código de geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The disk of {folder} has {free:.1f} GB free, {size} are needed.</source>
        <translation>El disco de {folder} tiene {free:.1f} GB libres, se necesitan {size}.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>What was downloaded is kept: Install continues from there.</source>
        <translation>Lo descargado se conserva: Instalar continúa desde ahí.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install PyTorch from the ordinary package index instead (about {size:.0f} GB)</source>
        <translation>Instalar PyTorch desde el índice de paquetes habitual (unos {size:.0f} GB)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Downloading and unpacking: {done:.1f} of about {total:.1f} GB</source>
        <translation>Descargando y descomprimiendo: {done:.1f} de unos {total:.1f} GB</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Preparing</source>
        <translation>Preparando</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Installing</source>
        <translation>Instalando</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking: importing geoseg and its dependencies</source>
        <translation>Comprobando: se importa geoseg y sus dependencias</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Removed.</source>
        <translation>Eliminado.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Compute on</source>
        <translation>Calcular en</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Looking for a Python that geoseg can be installed with…</source>
        <translation>Buscando un Python con el que instalar geoseg…</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking {python}: importing geoseg and what it needs</source>
        <translation>Comprobando {python}: se importa geoseg y lo que necesita</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{python}: not checked yet</source>
        <translation>{python}: aún sin comprobar</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{minutes:.0f} min left</source>
        <translation>faltan {minutes:.0f} min</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Done: {what}</source>
        <translation>Hecho: {what}</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Bands and values</source>
        <translation>Bandas y valores</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Bands in other layers</source>
        <translation>Bandas en otras capas</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Scale</source>
        <translation>Escala</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>No data</source>
        <translation>Sin datos</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../render_dialog.py"/>
        <source>Pixel size</source>
        <translation>Tamaño de píxel</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Simplify</source>
        <translation>Simplificar</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Batch size</source>
        <translation>Tamaño de lote</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Tile size</source>
        <translation>Tamaño de tesela</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Memory</source>
        <translation>Memoria</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../report.py"/>
        <source>Device</source>
        <translation>Dispositivo</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Class field</source>
        <translation>Campo de clase</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>New classes</source>
        <translation>Clases nuevas</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>name</source>
        <translation>nombre</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name at least two classes.</source>
        <translation>Nombre al menos dos clases.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Two classes have the same name.</source>
        <translation>Dos clases tienen el mismo nombre.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Names of classes must not contain commas, colons or equals signs.</source>
        <translation>Los nombres de las clases no pueden contener comas, dos puntos ni signos de igual.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Colour</source>
        <translation>Color</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Add a class</source>
        <translation>Añadir una clase</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Remove the selected class</source>
        <translation>Eliminar la clase seleccionada</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name what is to be told apart. Then draw some examples of each class; a model is trained on them.</source>
        <translation>Nombre lo que se debe distinguir. Después dibuje algunos ejemplos de cada clase; con ellos se entrena un modelo.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>There is no folder {folder}</source>
        <translation>No existe la carpeta {folder}</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <location filename="../phases.py"/>
        <source>Looking for uncertain places</source>
        <translation>Buscando lugares inciertos</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Place {number} of {count}: “{name}” by the model, {confidence:.0f} % sure. Draw what it is.</source>
        <translation>Lugar {number} de {count}: «{name}» según el modelo, {confidence:.0f} % seguro. Dibuje lo que es.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Sketch first: places are looked for on its map.</source>
        <translation>Haga primero un esbozo: los lugares se buscan en su mapa.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>There are no uncertain places.</source>
        <translation>No hay lugares inciertos.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>The map shows no part of the raster: zoom to it first.</source>
        <translation>El mapa no muestra ninguna parte del ráster: acérquese primero a él.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>GeoSeg preview</source>
        <translation>Vista previa de GeoSeg</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>What lies outside of the polygons has no class</source>
        <translation>Lo que queda fuera de los polígonos no tiene clase</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw again</source>
        <translation>Dibujar de nuevo</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>native</source>
        <translation>original</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Pixel size of the map; the raster is resampled to it</source>
        <translation>Tamaño de píxel del mapa; el ráster se remuestrea a él</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>No polygon is selected: select some in a vector layer first.</source>
        <translation>No hay polígonos seleccionados: seleccione algunos en una capa vectorial.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Whole raster</source>
        <translation>Todo el ráster</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Map view</source>
        <translation>Vista del mapa</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Drawn polygon</source>
        <translation>Polígono dibujado</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Selected polygons</source>
        <translation>Polígonos seleccionados</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw the area on the map first: click its corners, right-click to finish.</source>
        <translation>Dibuje primero el área en el mapa: haga clic en sus vértices y termine con clic derecho.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>The chosen area lies outside of the raster '{name}'.</source>
        <translation>El área elegida queda fuera del ráster «{name}».</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>value = stored × scale + offset; 1/10000 for reflectance × 10,000</source>
        <translation>valor = almacenado × escala + desplazamiento; 1/10000 para reflectancia × 10 000</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Further layers that hold bands of the same scene</source>
        <translation>Otras capas con bandas de la misma escena</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>as in the file</source>
        <translation>como en el archivo</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Bands of the same scene in other layers:</source>
        <translation>Bandas de la misma escena en otras capas:</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels, {waiting} edited polygons that are no labels yet.</source>
        <translation>{labels} etiquetas, {waiting} polígonos editados que aún no lo son.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Toggle editing on the polygons and change class or shape, or draw labels.</source>
        <translation>Active la edición de los polígonos y cambie clase o forma, o dibuje etiquetas.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{count} polygons are labels now</source>
        <translation>{count} polígonos son ahora etiquetas</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Labels and training</source>
        <translation>Etiquetas y entrenamiento</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../sketch_labels.py"/>
        <source>New classes…</source>
        <translation>Clases nuevas…</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <source>Name classes, draw examples of them on this raster, and train a model</source>
        <translation>Nombrar clases, dibujar ejemplos en este ráster y entrenar un modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Edited polygons → labels</source>
        <translation>Polígonos editados → etiquetas</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Save your edits of the result and use the edited polygons as labels</source>
        <translation>Guardar los cambios del resultado y usar los polígonos editados como etiquetas</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw labels</source>
        <translation>Dibujar etiquetas</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw polygons of known class</source>
        <translation>Dibujar polígonos de clase conocida</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>New model</source>
        <translation>Modelo nuevo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Side of the squares that the model is trained on</source>
        <translation>Lado de los cuadrados con los que se entrena el modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Tiles that are computed at a time; fewer need less memory</source>
        <translation>Teselas que se calculan a la vez; menos requieren menos memoria</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>By how much each step changes the model</source>
        <translation>Cuánto cambia el modelo en cada paso</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels.</source>
        <translation>{labels} etiquetas.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw some polygons of each class, in places that differ.</source>
        <translation>Dibuje algunos polígonos de cada clase, en lugares distintos.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>automatic</source>
        <translation>automático</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model on classes of your own, or correct the map that a run gives.</source>
        <translation>Entrene un modelo con clases propias, o corrija el mapa de una ejecución.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Fine-tune the model</source>
        <translation>Ajustar el modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model</source>
        <translation>Entrenar un modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Give the new model a name of letters, digits, - and _.</source>
        <translation>Dé al modelo nuevo un nombre con letras, cifras, - y _.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>GeoSeg: training {model}</source>
        <translation>GeoSeg: entrenando {model}</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>There is a model called {name}: choose another name.</source>
        <translation>Ya existe un modelo {name}: elija otro nombre.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Model {name} is trained and in the list</source>
        <translation>El modelo {name} está entrenado y en la lista</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{place} of {count}: {name}, score {score:.2f}</source>
        <translation>{place} de {count}: {name}, puntuación {score:.2f}</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Detect…</source>
        <translation>Detectar…</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Find objects on the chosen raster</source>
        <translation>Buscar objetos en el ráster elegido</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Next uncertain</source>
        <translation>Siguiente dudoso</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Zoom to the objects with the lowest scores, one after the other</source>
        <translation>Acercar a los objetos con las puntuaciones más bajas, uno tras otro</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete</source>
        <translation>Eliminar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete the selected objects</source>
        <translation>Eliminar los objetos seleccionados</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Split</source>
        <translation>Dividir</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw a line through an object that should be two</source>
        <translation>Trazar una línea a través de un objeto que deberían ser dos</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Merge</source>
        <translation>Combinar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Make one object of those that are selected</source>
        <translation>Hacer un solo objeto de los seleccionados</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Draw</source>
        <translation>Dibujar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw an object that is missing</source>
        <translation>Dibujar un objeto que falta</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Where you have looked at every object; elsewhere nothing will be learned</source>
        <translation>Donde ha mirado todos los objetos; en otros lugares no se aprenderá nada</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Objects → labels</source>
        <translation>Objetos → etiquetas</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Save the edits, and turn the objects into labels to train on</source>
        <translation>Guardar los cambios y convertir los objetos en etiquetas para entrenar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Checked</source>
        <translation>Revisado</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../panel_sketch.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Add a raster layer to the project.</source>
        <translation>Añada una capa ráster al proyecto.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>There are no objects with a score.</source>
        <translation>No hay objetos con puntuación.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select objects first; “Next uncertain” selects one.</source>
        <translation>Seleccione primero objetos; «Siguiente dudoso» selecciona uno.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select the parts of the object, further ones with Shift and a click, then press “Merge” again.</source>
        <translation>Seleccione las partes del objeto, las demás con Mayús y un clic, y pulse otra vez «Combinar».</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Choose the raster that the objects were found on.</source>
        <translation>Elija el ráster en el que se encontraron los objetos.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>The map view does not show the raster.</source>
        <translation>La vista del mapa no muestra el ráster.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{count} objects are labels now: train a model on them below.</source>
        <translation>{count} objetos son ahora etiquetas: entrene abajo un modelo con ellas.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{name} cannot be edited.</source>
        <translation>{name} no se puede editar.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{place} of {count}: {name}, confidence {confidence:.0f} %, {area:,.1f} ha</source>
        <translation>{place} de {count}: {name}, confianza {confidence:.0f} %, {area:,.1f} ha</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open report</source>
        <translation>Abrir informe</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Zoom to uncertain</source>
        <translation>Ir a lo incierto</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Steps through the least certain polygons; small ones and narrow strips come later</source>
        <translation>Recorre los polígonos menos seguros; los pequeños y las franjas estrechas van después</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>GeoSeg report</source>
        <translation>Informe de GeoSeg</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open folder</source>
        <translation>Abrir carpeta</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>There are no polygons with a confidence.</source>
        <translation>No hay polígonos con confianza.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{path} cannot be read: {reason}</source>
        <translation>No se puede leer {path}: {reason}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview of the visible part</source>
        <translation>Vista previa de la parte visible</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview</source>
        <translation>Vista previa</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the visible part of the map and show it as an overlay</source>
        <translation>Segmentar la parte visible del mapa y mostrarla encima</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the chosen area in the background</source>
        <translation>Segmentar el área elegida en segundo plano</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg_results, beside the raster</source>
        <translation>geoseg_results, junto al ráster</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Smaller polygons are merged into their neighbours</source>
        <translation>Los polígonos menores se unen a sus vecinos</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>By how much borders of polygons may be moved to make them smoother</source>
        <translation>Cuánto pueden moverse los bordes de los polígonos para suavizarlos</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Cutting out the polygon…</source>
        <translation>Recortando el polígono…</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>GeoSeg: {scene}</source>
        <translation>GeoSeg: {scene}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>The results folder {folder} cannot be used: {reason}. Choose another one.</source>
        <translation>No se puede usar la carpeta de resultados {folder}: {reason}. Elija otra.</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview after {seconds:.1f} s</source>
        <translation>Vista previa tras {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>{size:.4g} map units</source>
        <translation>{size:.4g} unidades de mapa</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg computes on {device}</source>
        <translation>geoseg calcula en {device}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>computed with pixels of {size}: zoom in to see what the run will give</source>
        <translation>calculada con píxeles de {size}: acérquese para ver lo que dará la ejecución</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs {count} bands ({needs}), the raster has {have} ({names}).</source>
        <translation>El modelo necesita {count} bandas ({needs}), el ráster tiene {have} ({names}).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Add a model folder</source>
        <translation>Añadir una carpeta de modelo</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Raster</source>
        <translation>Ráster</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Fix</source>
        <translation>Corregir</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Render to a file…</source>
        <translation>Renderizar a un archivo…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Folder of a model</source>
        <translation>Carpeta de un modelo</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Checking whether they fit…</source>
        <translation>Comprobando si encajan…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>In the unit assumed now, the values do not look like those that the model was trained on.</source>
        <translation>En la unidad supuesta ahora, los valores no se parecen a los del entrenamiento del modelo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs the bands {needs}. The raster does not name {missing}: choose them below.</source>
        <translation>El modelo necesita las bandas {needs}. El ráster no nombra {missing}: elíjalas abajo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model was trained on reflectance, which digital numbers become by a gain and an offset: write those of the scene's metadata into Scale and Offset below, or convert the scene to reflectance first. Without them only a model of your own can be used, trained on this raster (New classes…).</source>
        <translation>El modelo se entrenó con reflectancia, en la que los números digitales se convierten con una ganancia y un desplazamiento: escriba los de los metadatos de la escena en Escala y Desplazamiento, abajo, o convierta antes la escena a reflectancia. Sin ellos solo sirve un modelo propio, entrenado con este ráster (Clases nuevas…).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source> (default)</source>
        <translation> (predeterminado)</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>No installed model works with these bands alone. Add bands from other layers below, add a model folder (…), or name classes of your own, draw examples and train a model on them.</source>
        <translation>Ningún modelo instalado funciona solo con estas bandas. Añada abajo bandas de otras capas, añada una carpeta de modelo (…), o nombre clases propias, dibuje ejemplos y entrene con ellos un modelo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>the first run, or a preview, measures how long it takes</source>
        <translation>la primera ejecución, o una vista previa, mide cuánto tarda</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The unit of the values is not checked: the model does not say how its own are distributed.</source>
        <translation>La unidad de los valores no se comprueba: el modelo no indica cómo se distribuyen los suyos.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Choose a raster and a model.</source>
        <translation>Elija un ráster y un modelo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>They fit: {count} bands, {size:.1f} Mpx</source>
        <translation>Encajan: {count} bandas, {size:.1f} Mpx</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>{size:.1f} GB of memory</source>
        <translation>{size:.1f} GB de memoria</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Use model {name}</source>
        <translation>Usar el modelo {name}</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>about {seconds:.0f} s</source>
        <translation>unos {seconds:.0f} s</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Select a class, draw it in three places or more, and save the edits.</source>
        <translation>Seleccione una clase, dibújela en tres lugares o más y guarde los cambios.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch a model</source>
        <translation>Esbozar un modelo</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch</source>
        <translation>Esbozar</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Save the edits of the labels, learn a model from them, and show its map of the visible part</source>
        <translation>Guarda los cambios de las etiquetas, aprende de ellas un modelo y muestra su mapa de la parte visible</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Zoom to the place where a label would help most, one after the other</source>
        <translation>Acerca uno tras otro los lugares donde una etiqueta ayudaría más</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click objects</source>
        <translation>Clic en objetos</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class: a click model such as SAM outlines it in the labels</source>
        <translation>Haga clic en un objeto de la clase elegida: un modelo de clic como SAM lo delimita en las etiquetas</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The click model that outlines</source>
        <translation>El modelo de clic que delimita</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch when edits are saved</source>
        <translation>Esbozar al guardar los cambios</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Outlining</source>
        <translation>Delimitando</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Name classes, draw some places of each, and see a map of the visible part within seconds.</source>
        <translation>Nombre clases, dibuje algunos lugares de cada una y vea en segundos un mapa de la parte visible.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>There are unsaved edits: save them, or press Sketch.</source>
        <translation>Hay cambios sin guardar: guárdelos o pulse Esbozar.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Shown {seconds:.1f} s after saving. Run maps the whole raster.</source>
        <translation>Mostrado {seconds:.1f} s después de guardar. Ejecutar cartografía todo el ráster.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The labels were removed from the project: choose others, or make new classes.</source>
        <translation>Las etiquetas se quitaron del proyecto: elija otras o cree clases nuevas.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class. Shift adds to it, Ctrl takes away.</source>
        <translation>Haga clic en un objeto de la clase elegida. Mayús añade, Ctrl quita.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>; newer drawings wait</source>
        <translation>; esperan dibujos más recientes</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>{count} drawings have no class and are left out.</source>
        <translation>{count} dibujos no tienen clase y se omiten.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The edits cannot be saved: {reason}</source>
        <translation>Los cambios no se pueden guardar: {reason}</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch after {seconds:.1f} s</source>
        <translation>Esbozo tras {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>{band}: {low:.2g} to {high:.2g}, half of it below {middle:.2g}</source>
        <translation>{band}: {low:.2g} a {high:.2g}, la mitad por debajo de {middle:.2g}</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>As in the file</source>
        <translation>Como en el archivo</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance 0…1</source>
        <translation>Reflectancia 0…1</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance in percent</source>
        <translation>Reflectancia en porcentaje</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance as 0…255</source>
        <translation>Reflectancia como 0…255</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 10,000</source>
        <translation>Reflectancia × 10 000</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 65,535</source>
        <translation>Reflectancia × 65 535</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Sentinel-2 since 2022</source>
        <translation>Sentinel-2 desde 2022</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Unit of the values; choose another one to change it:</source>
        <translation>Unidad de los valores; elija otra para cambiarla:</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source> (as assumed now)</source>
        <translation> (supuesta ahora)</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>The values are stored in another unit than assumed. Which picture looks natural?</source>
        <translation>Los valores están en otra unidad que la supuesta. ¿Qué imagen parece natural?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>It cannot be told in which unit the values are stored. Which picture looks natural?</source>
        <translation>No se puede saber en qué unidad están los valores. ¿Qué imagen parece natural?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>gain and offset are needed</source>
        <translation>hacen falta ganancia y desplazamiento</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Black border (value {value}) = no data</source>
        <translation>Borde negro (valor {value}) = sin datos</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of value {value} = no data</source>
        <translation>Borde de valor {value} = sin datos</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of one colour = no data</source>
        <translation>Borde de un solo color = sin datos</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>; {share:.0f} % of the raster</source>
        <translation>; {share:.0f} % del ráster</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Digital numbers of the sensor</source>
        <translation>Números digitales del sensor</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Starting geoseg (loading PyTorch)</source>
        <translation>Iniciando geoseg (cargando PyTorch)</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Loading scene and model</source>
        <translation>Cargando escena y modelo</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Measuring the fastest settings, once for this model</source>
        <translation>Midiendo los ajustes más rápidos, una vez por modelo</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Segmenting</source>
        <translation>Segmentando</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Writing the class map</source>
        <translation>Escribiendo el mapa de clases</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Making polygons</source>
        <translation>Creando polígonos</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Comparing</source>
        <translation>Comparando</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Drawing points</source>
        <translation>Sorteando puntos</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Training</source>
        <translation>Entrenando</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Searching the best settings</source>
        <translation>Buscando los mejores ajustes</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Reading what was drawn</source>
        <translation>Leyendo lo dibujado</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Learning</source>
        <translation>Aprendiendo</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>{time} left</source>
        <translation>faltan {time}</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>GeoSeg panel</source>
        <translation>Panel GeoSeg</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Accuracy and areas…</source>
        <translation>Exactitud y superficies…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Detect changes…</source>
        <translation>Detectar cambios…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Environment…</source>
        <translation>Entorno…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Help</source>
        <translation>Ayuda</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Render to a file</source>
        <translation>Renderizar a un archivo</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>GeoTIFF (*.tif)</source>
        <translation>GeoTIFF (*.tif)</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels are too many: choose a smaller area or larger pixels.</source>
        <translation>{width:,} × {height:,} píxeles son demasiados: elija un área menor o píxeles mayores.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels, at most {size:,.1f} MB</source>
        <translation>{width:,} × {height:,} píxeles, como máximo {size:,.1f} MB</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>That is a lot: many providers forbid bulk downloads. Choose a smaller area or larger pixels.</source>
        <translation>Es mucho: muchos proveedores prohíben las descargas masivas. Elija un área menor o píxeles mayores.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>The layer states no terms of use: make sure that the provider allows copies and their analysis.</source>
        <translation>La capa no indica condiciones de uso: asegúrese de que el proveedor permite copias y su análisis.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>About {count:,} tiles are fetched from {host}.</source>
        <translation>Se obtienen unas {count:,} teselas de {host}.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>this computer</source>
        <translation>este equipo</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Terms of the provider: {terms}</source>
        <translation>Condiciones del proveedor: {terms}</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>Give a file name that ends in .tif.</source>
        <translation>Indique un nombre de archivo terminado en .tif.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The folder {folder} cannot be written.</source>
        <translation>No se puede escribir en la carpeta {folder}.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The map cannot be written (error {code}).</source>
        <translation>No se puede escribir el mapa (error {code}).</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Scene</source>
        <translation>Escena</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Files</source>
        <translation>Archivos</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Windows</source>
        <translation>Ventanas</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Time</source>
        <translation>Tiempo</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <location filename="../results.py"/>
        <source>Classes</source>
        <translation>Clases</translation>
    </message>
    <message>
        <location filename="../results.py"/>
        <source>GeoSeg {scene}</source>
        <translation>GeoSeg {scene}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Name classes and draw examples of them on this raster</source>
        <translation>Nombrar clases y dibujar ejemplos de ellas en este ráster</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Draw the class that is selected in the table</source>
        <translation>Dibujar la clase seleccionada en la tabla</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Choose a layer of labels, or make new classes first.</source>
        <translation>Elija primero una capa de etiquetas o cree clases nuevas.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>What is drawn has no class: choose one for each drawing.</source>
        <translation>Lo dibujado no tiene clase: elija una para cada dibujo.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Nothing is drawn yet: draw some places of each class.</source>
        <translation>Todavía no hay nada dibujado: dibuje algunos lugares de cada clase.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Labels of {raster}</source>
        <translation>Etiquetas de {raster}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Only “{name}” is drawn: draw something of another class, too.</source>
        <translation>Solo está dibujado «{name}»: dibuje también algo de otra clase.</translation>
    </message>
    <message>
        <location filename="../sketch_loop.py"/>
        <source>Comparing other ways to learn; draw on meanwhile</source>
        <translation>Comparando otras formas de aprender; siga dibujando</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged: each class was drawn in one place only. Draw each in two places or more.</source>
        <translation>Sin evaluar: cada clase se dibujó en un solo lugar. Dibuje cada una en dos lugares o más.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % of the held-out pixels are right ({places} places).</source>
        <translation>El {share:.0f} % de los píxeles reservados es correcto ({places} lugares).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % ± {spread:.0f} of the held-out pixels are right ({places} places).</source>
        <translation>El {share:.0f} % ± {spread:.0f} de los píxeles reservados es correcto ({places} lugares).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Measured on drawings that were left out of learning. Expect less of the whole map: it has borders and mixed pixels.</source>
        <translation>Medido en dibujos que no se usaron para aprender. Espere menos del mapa entero: tiene bordes y píxeles mezclados.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Select the class that you draw next</source>
        <translation>Seleccione la clase que dibujará a continuación</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Number and area of the drawings of the class</source>
        <translation>Número y superficie de los dibujos de la clase</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Share of the pixels of held-out drawings that the model gets right</source>
        <translation>Proporción de los píxeles de dibujos reservados que el modelo acierta</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>not judged</source>
        <translation>sin evaluar</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Drawn</source>
        <translation>Dibujado</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Right</source>
        <translation>Aciertos</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged, drawn in one place only: {names}.</source>
        <translation>Sin evaluar, dibujadas en un solo lugar: {names}.</translation>
    </message>
</context>
</TS>
