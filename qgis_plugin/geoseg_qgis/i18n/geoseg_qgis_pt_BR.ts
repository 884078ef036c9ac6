<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="pt_BR" sourcelanguage="en">
<context>
    <name>GeoSeg</name>
    <message>
        <location filename="../accuracy.py"/>
        <source>Accuracy and areas</source>
        <translation>Exatidão e áreas</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>1. Points</source>
        <translation>1. Pontos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Drawn at random within each class; more points give narrower intervals</source>
        <translation>Sorteados ao acaso em cada classe; mais pontos dão intervalos mais estreitos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Draw points</source>
        <translation>Sortear pontos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <source>Class map</source>
        <translation>Mapa de classes</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../accuracy_report.py"/>
        <source>Points</source>
        <translation>Pontos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../render_dialog.py"/>
        <source>File</source>
        <translation>Arquivo</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>2. What do you see at the marked point?</source>
        <translation>2. O que você vê no ponto marcado?</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Leave the point without a class; it does not count</source>
        <translation>Deixar o ponto sem classe; ele não conta</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>3. Report</source>
        <translation>3. Relatório</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Make the report</source>
        <translation>Criar o relatório</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Points to interpret</source>
        <translation>Pontos a interpretar</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>GeoSeg: accuracy</source>
        <translation>GeoSeg: exatidão</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../change_result.py"/>
        <source>Back</source>
        <translation>Voltar</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Skip</source>
        <translation>Pular</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Run a model on a raster first, or add its class map to the project.</source>
        <translation>Execute primeiro um modelo em um raster, ou adicione seu mapa de classes ao projeto.</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Continue with these points</source>
        <translation>Continuar com estes pontos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Point {place} of {count}, {done} done</source>
        <translation>Ponto {place} de {count}, {done} feitos</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Saved as {page} and {report}</source>
        <translation>Salvo como {page} e {report}</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>{path} holds no points of geoseg</source>
        <translation>{path} não contém pontos do geoseg</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../corrections.py"/>
        <location filename="../object_labels.py"/>
        <source>{path} cannot be written</source>
        <translation>Não é possível gravar {path}</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../label_layer.py"/>
        <location filename="../rendered.py"/>
        <location filename="../vectors.py"/>
        <source>{path} cannot be written: {reason}</source>
        <translation>Não é possível gravar {path}: {reason}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>{predicted} compared with {reference}</source>
        <translation>{predicted} comparado com {reference}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Confusion matrix</source>
        <translation>Matriz de confusão</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../sketch_table.py"/>
        <source>Class</source>
        <translation>Classe</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>User's accuracy</source>
        <translation>Exatidão do usuário</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Producer's accuracy</source>
        <translation>Exatidão do produtor</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Reference, px</source>
        <translation>Referência, px</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>± are half widths of 95 % confidence intervals.</source>
        <translation>± são semilarguras de intervalos de confiança de 95 %.</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>map ▸ reference</source>
        <translation>mapa ▸ referência</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>reference ▸ map</source>
        <translation>referência ▸ mapa</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Overall accuracy</source>
        <translation>Exatidão global</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean IoU</source>
        <translation>IoU média</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean F1</source>
        <translation>F1 médio</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Pixels compared</source>
        <translation>Pixels comparados</translation>
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
        <translation>Pontos interpretados</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Accuracy and areas of {map}</source>
        <translation>Exatidão e áreas de {map}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mapped, {unit}</source>
        <translation>Mapeado, {unit}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Area, {unit}</source>
        <translation>Área, {unit}</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a model to see its bands here. Without one, write names for the raster's, as in blue=1,green=2.</source>
        <translation>Escolha um modelo para ver aqui as suas bandas. Sem modelo, escreva nomes para as do raster, como blue=1,green=2.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a raster to see its bands here.</source>
        <translation>Escolha um raster para ver aqui as suas bandas.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>by the names of the raster's bands</source>
        <translation>pelos nomes das bandas do raster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>As in blue=1,green=2: the model's band, and the number of the raster's</source>
        <translation>Como em blue=1,green=2: a banda do modelo e o número da banda do raster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose the bands</source>
        <translation>Escolher as bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg has no Python yet: open Plugins ▸ GeoSeg ▸ Environment… and make or choose one.</source>
        <translation>O GeoSeg ainda não tem um Python: abra Complementos ▸ GeoSeg ▸ Ambiente… e crie ou escolha um.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Empty: geoseg's default model.</source>
        <translation>Vazio: o modelo padrão do geoseg.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>… or a model folder</source>
        <translation>… ou uma pasta de modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands</source>
        <translation>Bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Which band is which, as blue=1,green=2,… Empty: by the bands' descriptions. 'Inspect raster' says what fits and what to write.</source>
        <translation>Qual banda é qual, como blue=1,green=2,… Vazio: pelas descrições das bandas. “Inspecionar raster” diz o que serve e o que escrever.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scale: value = stored × scale + offset</source>
        <translation>Escala: valor = armazenado × escala + deslocamento</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Offset</source>
        <translation>Deslocamento</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Nodata value, instead of the file's</source>
        <translation>Valor sem dados, em vez do do arquivo</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Pixel size in CRS units; the finest band's if empty</source>
        <translation>Tamanho do pixel em unidades do SRC; vazio: o da banda mais fina</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Minimum area of a polygon in m²; smaller ones are merged into a neighbour</source>
        <translation>Área mínima de um polígono em m²; os menores são unidos a um vizinho</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>As they are</source>
        <translation>Como estão</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Square, for buildings</source>
        <translation>Em ângulo reto, para edifícios</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Circles, for what is round</source>
        <translation>Círculos, para o que é redondo</translation>
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
        <translation>Cena: um raster, ou vários com suas bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Extent; all of the scene if empty</source>
        <translation>Extensão; vazio: toda a cena</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scenes: one raster each</source>
        <translation>Cenas: um raster cada</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Labels: polygons, lines or points</source>
        <translation>Rótulos: polígonos, linhas ou pontos</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Field with the class</source>
        <translation>Campo de classe</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Simplify: how far borders may be moved, in metres</source>
        <translation>Simplificar: quanto as bordas podem ser movidas, em metros</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Shape of outlines</source>
        <translation>Forma dos contornos</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../algorithms/sketch.py"/>
        <source>No raster is chosen, or it cannot be opened.</source>
        <translation>Nenhum raster foi escolhido, ou ele não pode ser aberto.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg's Python does not work: {reason}. See Plugins ▸ GeoSeg ▸ Environment…</source>
        <translation>O Python do GeoSeg não funciona: {reason}. Veja Complementos ▸ GeoSeg ▸ Ambiente…</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands: {reason}</source>
        <translation>Bandas: {reason}</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Name of an installed model; the panel refreshes the list.</source>
        <translation>Nome de um modelo instalado; o painel atualiza a lista.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>'{name}' is no raster file: render the part that you need to a file first, in the GeoSeg panel.</source>
        <translation>“{name}” não é um arquivo raster: primeiro renderize para um arquivo a parte de que precisa, no painel GeoSeg.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{share} % has changed; {area} more differ, but are not certain</source>
        <translation>{share} % mudou; mais {area} diferem, mas sem certeza</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Detect changes</source>
        <translation>Detectar mudanças</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Compares two class maps of one place, or two scenes that a model maps first: polygons of what became what, a raster of the transitions, and a report with their areas.

Classes are matched by name. What a small shift between the dates explains is not counted as a change. The maps may lie on different grids: the later one is brought to the pixels of the earlier one.

If a run with a model is cancelled, it goes on where it was when it is started again with the same scenes and options.</source>
        <translation>Compara dois mapas de classes de um mesmo lugar, ou duas cenas que um modelo mapeia primeiro: polígonos do que se tornou o quê, um raster das transições e um relatório com suas áreas.

As classes são associadas pelo nome. O que um pequeno deslocamento entre as datas explica não conta como mudança. Os mapas podem estar em grades diferentes: o posterior é levado aos pixels do anterior.

Se uma execução com um modelo for cancelada, ela continua de onde parou ao ser iniciada de novo com as mesmas cenas e opções.</translation>
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
        <translation>Área mínima de uma mudança em m²; as menores são unidas a um vizinho</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Classes to rename or merge</source>
        <translation>Classes a renomear ou unir</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>As old=new, by commas: forest=tree,shrub= makes forest tree, and leaves shrub out.</source>
        <translation>Como antigo=novo, separados por vírgulas: forest=tree,shrub= transforma forest em tree e deixa shrub de fora.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Before: class map, or scene of one raster</source>
        <translation>Antes: mapa de classes, ou cena de um só raster</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_inputs.py"/>
        <source>After</source>
        <translation>Depois</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Empty: both are class maps.</source>
        <translation>Vazio: ambos são mapas de classes.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Tolerance: shift in pixels that is no change</source>
        <translation>Tolerância: deslocamento em pixels que não é mudança</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Confidence that both dates need, in percent</source>
        <translation>Confiança exigida de ambas as datas, em porcentagem</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../changes.py"/>
        <location filename="../results.py"/>
        <source>Changes</source>
        <translation>Mudanças</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../results.py"/>
        <source>Transitions</source>
        <translation>Transições</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>{count} smaller transitions are in the report</source>
        <translation>{count} transições menores estão no relatório</translation>
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
        <translation>Encontra objetos, como edifícios ou árvores, cada um inteiro através das janelas que o modelo vê, com classe, pontuação e área.

Modelos treinados para objetos separam os que se tocam; com qualquer outro modelo, cada região conexa de uma classe é um objeto. Ordene a tabela por pontuação para ver primeiro os menos certos.</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Minimum area of an object in m²; smaller ones are left out</source>
        <translation>Área mínima de um objeto em m²; os menores são omitidos</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Lowest score of objects, 0 to 1</source>
        <translation>Pontuação mínima dos objetos, de 0 a 1</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Only these classes, names by commas</source>
        <translation>Somente estas classes, nomes separados por vírgulas</translation>
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
        <translation>Avaliar mapa</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Holds a class map against a reference: a class raster, or polygons with a field that names the class. The accuracy table opens in the results viewer: overall accuracy, IoU, F1, user's and producer's accuracy of each class, and the confusion matrix.</source>
        <translation>Compara um mapa de classes com uma referência: um raster de classes, ou polígonos com um campo de classe. A tabela de exatidão abre no visualizador de resultados: exatidão global, IoU, F1, exatidão do usuário e do produtor de cada classe e a matriz de confusão.</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>HTML files (*.html)</source>
        <translation>Arquivos HTML (*.html)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Reference: raster or polygons</source>
        <translation>Referência: raster ou polígonos</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Field with the class, of reference polygons</source>
        <translation>Campo de classe dos polígonos de referência</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>Report</source>
        <translation>Relatório</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>JSON files (*.json)</source>
        <translation>Arquivos JSON (*.json)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Accuracy table</source>
        <translation>Tabela de exatidão</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Overall accuracy: {share}</source>
        <translation>Exatidão global: {share}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Inspect raster</source>
        <translation>Inspecionar raster</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Says what is in a raster, whether it fits a model, how to fix it if it does not, and what a run will cost. Nothing is computed.</source>
        <translation>Diz o que há num raster, se serve para um modelo, como corrigi-lo se não servir, e quanto custará uma execução. Nada é calculado.</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>geoseg said nothing</source>
        <translation>O geoseg não respondeu nada</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Whether it fits the model</source>
        <translation>Se serve para o modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Why it does not fit</source>
        <translation>Por que não serve</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Options that would fix it, as JSON</source>
        <translation>Opções que o corrigiriam, em JSON</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Seconds a run takes here; -1 if not known</source>
        <translation>Segundos que uma execução leva aqui; -1 se desconhecido</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>warning: {text}</source>
        <translation>aviso: {text}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>fits model {model}</source>
        <translation>serve para o modelo {model}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>no CRS</source>
        <translation>sem SRC</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Next places to label</source>
        <translation>Próximos lugares a rotular</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Proposes polygons where a label would help a model most: uncertain, large enough to judge, unlike what is labelled already, and spread over the map. Each has the class that the model believes: correct it, delete what you cannot judge, and use the layer as labels.</source>
        <translation>Propõe polígonos onde um rótulo mais ajudaria um modelo: incertos, grandes o bastante para julgar, diferentes do que já está rotulado e espalhados pelo mapa. Cada um tem a classe que o modelo supõe: corrija-a, apague o que não puder julgar e use a camada como rótulos.</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Side of the largest polygon in pixels</source>
        <translation>Lado do maior polígono em pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Class map; confidence and report lie beside it</source>
        <translation>Mapa de classes; a confiança e o relatório ficam ao lado</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>What is labelled already</source>
        <translation>O que já está rotulado</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Scenes of the results: places are compared by their bands</source>
        <translation>Cenas dos resultados: os lugares são comparados por suas bandas</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Number of places</source>
        <translation>Número de lugares</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Places to label</source>
        <translation>Lugares a rotular</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Polygonize class map</source>
        <translation>Poligonizar mapa de classes</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Turns a class map of any size, or any raster of whole numbers, into polygons with class, true area and perimeter. Regions are never cut, and borders that are simplified neither gap nor overlap.</source>
        <translation>Converte um mapa de classes de qualquer tamanho, ou qualquer raster de inteiros, em polígonos com classe, área real e perímetro. Regiões nunca são cortadas, e bordas simplificadas não deixam vãos nem se sobrepõem.</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels without class; instead of the file's own</source>
        <translation>Pixels sem classe; em vez do que indica o arquivo</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Band</source>
        <translation>Banda</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Confidence raster on the same grid</source>
        <translation>Raster de confiança na mesma grade</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Round the stair steps of pixels</source>
        <translation>Suavizar os degraus dos pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Only these classes, numbers or names, by commas</source>
        <translation>Somente estas classes, números ou nomes, separados por vírgulas</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>All classes but these</source>
        <translation>Todas as classes menos estas</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Classes that the minimum area does not apply to</source>
        <translation>Classes às quais a área mínima não se aplica</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels that touch at corners belong together</source>
        <translation>Pixels que se tocam nos cantos ficam juntos</translation>
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
        <translation>Segmentar raster</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segments a satellite, aerial or drone raster with a model into a class map, confidence and land-cover polygons, all with names and colours.

Several rasters are the bands of one scene. A run that was cancelled goes on where it was when it is started again with the same files and options.</source>
        <translation>Segmenta um raster de satélite, aéreo ou de drone com um modelo em mapa de classes, confiança e polígonos de cobertura, todos com nomes e cores.

Vários rasters são as bandas de uma cena. Uma execução cancelada continua de onde parou quando iniciada de novo com os mesmos arquivos e opções.</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <location filename="../results.py"/>
        <source>Confidence</source>
        <translation>Confiança</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Sketch a model from labels</source>
        <translation>Esboçar um modelo a partir de rótulos</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Makes a model from a few polygons, lines or points of each class, in seconds and without a GPU, for any bands. Draw each class in three places or more: the log says how well drawings that were held out are told apart. An earlier sketch of the same raster saves what was computed for it.</source>
        <translation>Faz um modelo com poucos polígonos, linhas ou pontos de cada classe, em segundos e sem GPU, para quaisquer bandas. Desenhe cada classe em três lugares ou mais: o registro diz quão bem os desenhos reservados são distinguidos. Um esboço anterior do mesmo raster poupa o que já foi calculado para ele.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Model whose answers help</source>
        <translation>Modelo cujas respostas ajudam</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Empty: a bundled model that fits, if there is one.</source>
        <translation>Vazio: um modelo incluído que sirva, se houver.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Earlier sketch of the raster: its model folder</source>
        <translation>Esboço anterior do raster: a pasta do seu modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <location filename="../algorithms/train.py"/>
        <source>Model folder</source>
        <translation>Pasta do modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Train model</source>
        <translation>Treinar modelo</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Trains a model on scenes and labels: polygons, lines or points (a field names the class), or a raster for each scene. With a model to start from it is fine-tuned, which needs far fewer labels. What no label covers is ignored.</source>
        <translation>Treina um modelo com cenas e rótulos: polígonos, linhas ou pontos (um campo nomeia a classe), ou um raster para cada cena. Com um modelo de partida, ele é ajustado, o que exige muito menos rótulos. O que nenhum rótulo cobre é ignorado.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Model to start from</source>
        <translation>Modelo de partida</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Metres around lines and points that they label, too</source>
        <translation>Metros ao redor de linhas e pontos que também são rotulados</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Side of training windows in pixels</source>
        <translation>Lado das janelas de treinamento em pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Windows of a step; what fits into memory if empty</source>
        <translation>Janelas por passo; vazio: o que cabe na memória</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Learning rate</source>
        <translation>Taxa de aprendizado</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>… or label rasters, one for each scene</source>
        <translation>… ou rasters de rótulos, um por cena</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Empty: a new network is trained from random weights.</source>
        <translation>Vazio: uma rede nova é treinada a partir de pesos aleatórios.</translation>
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
        <translation>Arquitetura, p. ex. unet</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Encoder, as resnet18</source>
        <translation>Codificador, p. ex. resnet18</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Device: auto, cpu, cuda</source>
        <translation>Dispositivo: auto, cpu, cuda</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Give a layer of labels or label rasters, one of the two.</source>
        <translation>Indique uma camada de rótulos ou rasters de rótulos, um dos dois.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Window: side of what the model sees, in pixels</source>
        <translation>Janela: lado do que o modelo vê, em pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Margin: context around a window that is not kept, in pixels</source>
        <translation>Margem: contexto em volta de uma janela que não é mantido, em pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Stitching</source>
        <translation>Junção das janelas</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Precision</source>
        <translation>Precisão</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Device: auto, cpu, cuda, cuda:1</source>
        <translation>Dispositivo: auto, cpu, cuda, cuda:1</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Memory budget, as 4GB</source>
        <translation>Limite de memória, p. ex. 4GB</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Finished parts are kept in {folder}: run it again to go on.</source>
        <translation>As partes prontas ficam em {folder}: execute de novo para continuar.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: polygons can be written as {formats}</source>
        <translation>{path}: polígonos podem ser gravados como {formats}</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif</source>
        <translation>{path}: mapas de classes e confiança são GeoTIFF; o nome deve terminar em .tif</translation>
    </message>
    <message>
        <location filename="../band_table.py"/>
        <source>(none)</source>
        <translation>(nenhuma)</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Class maps</source>
        <translation>Mapas de classes</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Scenes</source>
        <translation>Cenas</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Swap</source>
        <translation>Trocar</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Exchange before and after</source>
        <translation>Trocar antes e depois</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>What a shift by so many pixels explains is no change</source>
        <translation>O que um deslocamento de tantos pixels explica não é mudança</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../panel_run.py"/>
        <source>off</source>
        <translation>não</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Smaller changes are merged into what is around them</source>
        <translation>Mudanças menores são unidas ao que as cerca</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>geoseg_changes, beside the first</source>
        <translation>geoseg_changes, ao lado do primeiro</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Replace existing results</source>
        <translation>Substituir os resultados</translation>
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
        <translation>Tolerância</translation>
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
        <translation>Escolha duas camadas diferentes.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose a model in the GeoSeg panel.</source>
        <translation>Escolha um modelo no painel GeoSeg.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Model of the panel: {name}</source>
        <translation>Modelo do painel: {name}</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two raster files of one place to the project.</source>
        <translation>Adicione ao projeto dois arquivos raster de um mesmo lugar.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two class maps of one place to the project, or run a model on two scenes first.</source>
        <translation>Adicione ao projeto dois mapas de classes de um mesmo lugar, ou execute antes um modelo em duas cenas.</translation>
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
        <translation>Percorre as mudanças da linha escolhida, a maior primeiro</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Shows the two dates in turns, a second each</source>
        <translation>Mostra as duas datas alternadamente, um segundo cada</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Before left, after right of a line that can be dragged</source>
        <translation>Antes à esquerda, depois à direita de uma linha que pode ser arrastada</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture before</source>
        <translation>Imagem anterior</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture after</source>
        <translation>Imagem posterior</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Change</source>
        <translation>Mudança</translation>
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
        <translation>Próximo lugar</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>What is shown of this date</source>
        <translation>O que é mostrado desta data</translation>
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
        <translation>Nada mudou; {area} diferem, mas sem certeza.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>The polygons of the changes are not in the project, or there are none.</source>
        <translation>Os polígonos das mudanças não estão no projeto, ou não há nenhum.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_result.py"/>
        <source>This polygon is gone; on to the next.</source>
        <translation>Este polígono não existe mais; vá ao próximo.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>All changes</source>
        <translation>Todas as mudanças</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>confidence {percent} %</source>
        <translation>confiança {percent} %</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../corrections.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <location filename="../sketch_labels.py"/>
        <location filename="../sketch_loop.py"/>
        <source>{path} cannot be opened</source>
        <translation>Não é possível abrir {path}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{name} (is added)</source>
        <translation>{name} (será adicionado)</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_area.py"/>
        <source>The area cannot be transformed: {reason}</source>
        <translation>Não é possível transformar a área: {reason}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>What is compared</source>
        <translation>O que é comparado</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>GeoSeg: changes</source>
        <translation>GeoSeg: mudanças</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../report.py"/>
        <source>Run</source>
        <translation>Executar</translation>
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
        <translation>Compara em segundo plano</translation>
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
        <translation>Cancelado. Execute de novo para continuar de onde parou.</translation>
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
        <translation>Pronto: {folder}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../dock.py"/>
        <source>The project's GeoSeg entry cannot be read: {reason}</source>
        <translation>Não é possível ler a entrada GeoSeg do projeto: {reason}</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Nothing is outlined there: click elsewhere on it, or with Shift on more of it.</source>
        <translation>Nada é delimitado ali: clique em outro ponto do objeto ou, com Shift, em mais pontos.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outline by a click</source>
        <translation>Contorno com um clique</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outlined, score {score:.2f}. Shift adds to it, Ctrl takes away.</source>
        <translation>Delimitado, pontuação {score:.2f}. Shift acrescenta, Ctrl retira.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>It may go on: zoom out and click again.</source>
        <translation>Pode continuar: afaste a vista e clique de novo.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The labels cannot be edited.</source>
        <translation>Os rótulos não podem ser editados.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The outline cannot be added to the labels.</source>
        <translation>O contorno não pode ser adicionado aos rótulos.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>No click model is installed. Add the two ONNX files of one, such as SAM: {command}</source>
        <translation>Nenhum modelo de clique está instalado. Adicione os dois arquivos ONNX de um, como SAM: {command}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>Before: {name}</source>
        <translation>Antes: {name}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>After: {name}</source>
        <translation>Depois: {name}</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster first; then correct its polygons.</source>
        <translation>Execute primeiro um modelo em um raster; depois corrija os polígonos.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster, or name new classes first.</source>
        <translation>Execute primeiro um modelo em um raster, ou nomeie novas classes.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Corrections</source>
        <translation>Correções</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Labels</source>
        <translation>Rótulos</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>There are no labels yet: edit polygons of the result, or draw some.</source>
        <translation>Ainda não há rótulos: edite polígonos do resultado ou desenhe alguns.</translation>
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
        <translation>O geoseg precisa de um Python próprio. Ele é criado em poucos minutos, fora do QGIS.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../environment_page.py"/>
        <source>Diagnostics are on the clipboard.</source>
        <translation>O diagnóstico está na área de transferência.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>geoseg does not run: {reason}</source>
        <translation>O geoseg não funciona: {reason}</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>The models cannot be listed: {reason}</source>
        <translation>Não é possível listar os modelos: {reason}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg runs in a Python of its own, outside QGIS: nothing is installed into QGIS itself.</source>
        <translation>O geoseg usa um Python próprio, fora do QGIS: nada é instalado no próprio QGIS.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Needs about {size} on disk ({free:.0f} GB free), in {folder}</source>
        <translation>Precisa de cerca de {size} em disco ({free:.0f} GB livres), em {folder}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Set up GeoSeg</source>
        <translation>Configurar o GeoSeg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Check</source>
        <translation>Verificar</translation>
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
        <translation>Fechar</translation>
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
        <translation>Avançado</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>A wheel, a folder with geoseg's source, or a name in the package index</source>
        <translation>Um wheel, uma pasta com o código do geoseg ou um nome no índice de pacotes</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Choose a folder with geoseg's source</source>
        <translation>Escolher uma pasta com o código do geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>the system's; else http://host:port</source>
        <translation>o do sistema; senão http://host:port</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>without network: a folder filled by `pip download`</source>
        <translation>sem rede: uma pasta preenchida por `pip download`</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The commands that Install runs</source>
        <translation>Os comandos que Instalar executa</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Remove the installation</source>
        <translation>Remover a instalação</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Source</source>
        <translation>Origem</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Wheel folder</source>
        <translation>Pasta de wheels</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Commands</source>
        <translation>Comandos</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Own Python</source>
        <translation>Python próprio</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>a python program that has geoseg; empty: the installation above</source>
        <translation>um programa python com geoseg; vazio: a instalação acima</translation>
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
        <translation>O geoseg ainda não está instalado.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Folder with geoseg's source</source>
        <translation>Pasta com o código do geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The disk of {folder} has {free:.1f} GB free, {size} are needed.</source>
        <translation>O disco de {folder} tem {free:.1f} GB livres, são necessários {size}.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>What was downloaded is kept: Install continues from there.</source>
        <translation>O que foi baixado é mantido: Instalar continua dali.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install PyTorch from the ordinary package index instead (about {size:.0f} GB)</source>
        <translation>Instalar o PyTorch do índice de pacotes comum (cerca de {size:.0f} GB)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Downloading and unpacking: {done:.1f} of about {total:.1f} GB</source>
        <translation>Baixando e descompactando: {done:.1f} de cerca de {total:.1f} GB</translation>
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
        <translation>Verificando: importando o geoseg e suas dependências</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Removed.</source>
        <translation>Removido.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Compute on</source>
        <translation>Calcular em</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Looking for a Python that geoseg can be installed with…</source>
        <translation>Procurando um Python com o qual instalar o geoseg…</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking {python}: importing geoseg and what it needs</source>
        <translation>Verificando {python}: importando o geoseg e o que ele precisa</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{python}: not checked yet</source>
        <translation>{python}: ainda não verificado</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{minutes:.0f} min left</source>
        <translation>faltam {minutes:.0f} min</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Done: {what}</source>
        <translation>Pronto: {what}</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Bands and values</source>
        <translation>Bandas e valores</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Bands in other layers</source>
        <translation>Bandas em outras camadas</translation>
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
        <translation>Sem dados</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../render_dialog.py"/>
        <source>Pixel size</source>
        <translation>Tamanho do pixel</translation>
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
        <translation>Tamanho do lote</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Tile size</source>
        <translation>Tamanho do bloco</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Memory</source>
        <translation>Memória</translation>
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
        <translation>Campo de classe</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>New classes</source>
        <translation>Novas classes</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>name</source>
        <translation>nome</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name at least two classes.</source>
        <translation>Nomeie pelo menos duas classes.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Two classes have the same name.</source>
        <translation>Duas classes têm o mesmo nome.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Names of classes must not contain commas, colons or equals signs.</source>
        <translation>Nomes de classes não podem conter vírgulas, dois-pontos nem sinais de igual.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Colour</source>
        <translation>Cor</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Add a class</source>
        <translation>Adicionar uma classe</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Remove the selected class</source>
        <translation>Remover a classe selecionada</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name what is to be told apart. Then draw some examples of each class; a model is trained on them.</source>
        <translation>Nomeie o que deve ser distinguido. Depois desenhe alguns exemplos de cada classe; um modelo é treinado com eles.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>There is no folder {folder}</source>
        <translation>A pasta {folder} não existe</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <location filename="../phases.py"/>
        <source>Looking for uncertain places</source>
        <translation>Procurando lugares incertos</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Place {number} of {count}: “{name}” by the model, {confidence:.0f} % sure. Draw what it is.</source>
        <translation>Lugar {number} de {count}: “{name}” segundo o modelo, {confidence:.0f} % de certeza. Desenhe o que é.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Sketch first: places are looked for on its map.</source>
        <translation>Faça primeiro um esboço: os lugares são procurados no mapa dele.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>There are no uncertain places.</source>
        <translation>Não há lugares incertos.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>The map shows no part of the raster: zoom to it first.</source>
        <translation>O mapa não mostra nenhuma parte do raster: aproxime-se dele primeiro.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>GeoSeg preview</source>
        <translation>Prévia do GeoSeg</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>What lies outside of the polygons has no class</source>
        <translation>O que fica fora dos polígonos não tem classe</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw again</source>
        <translation>Desenhar de novo</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>native</source>
        <translation>original</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Pixel size of the map; the raster is resampled to it</source>
        <translation>Tamanho do pixel do mapa; o raster é reamostrado</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>No polygon is selected: select some in a vector layer first.</source>
        <translation>Nenhum polígono selecionado: selecione alguns em uma camada vetorial.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Whole raster</source>
        <translation>Raster inteiro</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Map view</source>
        <translation>Vista do mapa</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Drawn polygon</source>
        <translation>Polígono desenhado</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Selected polygons</source>
        <translation>Polígonos selecionados</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw the area on the map first: click its corners, right-click to finish.</source>
        <translation>Desenhe primeiro a área no mapa: clique nos vértices e termine com o botão direito.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>The chosen area lies outside of the raster '{name}'.</source>
        <translation>A área escolhida fica fora do raster “{name}”.</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>value = stored × scale + offset; 1/10000 for reflectance × 10,000</source>
        <translation>valor = armazenado × escala + deslocamento; 1/10000 para reflectância × 10.000</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Further layers that hold bands of the same scene</source>
        <translation>Outras camadas com bandas da mesma cena</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>as in the file</source>
        <translation>como no arquivo</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Bands of the same scene in other layers:</source>
        <translation>Bandas da mesma cena em outras camadas:</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels, {waiting} edited polygons that are no labels yet.</source>
        <translation>{labels} rótulos, {waiting} polígonos editados que ainda não são rótulos.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Toggle editing on the polygons and change class or shape, or draw labels.</source>
        <translation>Ative a edição dos polígonos e altere classe ou forma, ou desenhe rótulos.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{count} polygons are labels now</source>
        <translation>{count} polígonos agora são rótulos</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Labels and training</source>
        <translation>Rótulos e treinamento</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../sketch_labels.py"/>
        <source>New classes…</source>
        <translation>Novas classes…</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <source>Name classes, draw examples of them on this raster, and train a model</source>
        <translation>Nomear classes, desenhar exemplos neste raster e treinar um modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Edited polygons → labels</source>
        <translation>Polígonos editados → rótulos</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Save your edits of the result and use the edited polygons as labels</source>
        <translation>Salvar as edições do resultado e usar os polígonos editados como rótulos</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw labels</source>
        <translation>Desenhar rótulos</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw polygons of known class</source>
        <translation>Desenhar polígonos de classe conhecida</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>New model</source>
        <translation>Novo modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Side of the squares that the model is trained on</source>
        <translation>Lado dos quadrados com que o modelo é treinado</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Tiles that are computed at a time; fewer need less memory</source>
        <translation>Blocos calculados por vez; menos exigem menos memória</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>By how much each step changes the model</source>
        <translation>Quanto cada passo altera o modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels.</source>
        <translation>{labels} rótulos.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw some polygons of each class, in places that differ.</source>
        <translation>Desenhe alguns polígonos de cada classe, em lugares diferentes.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>automatic</source>
        <translation>automático</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model on classes of your own, or correct the map that a run gives.</source>
        <translation>Treine um modelo com classes próprias, ou corrija o mapa de uma execução.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Fine-tune the model</source>
        <translation>Ajustar o modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model</source>
        <translation>Treinar um modelo</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Give the new model a name of letters, digits, - and _.</source>
        <translation>Dê ao novo modelo um nome com letras, dígitos, - e _.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>GeoSeg: training {model}</source>
        <translation>GeoSeg: treinando {model}</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>There is a model called {name}: choose another name.</source>
        <translation>Já existe um modelo {name}: escolha outro nome.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Model {name} is trained and in the list</source>
        <translation>O modelo {name} está treinado e na lista</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{place} of {count}: {name}, score {score:.2f}</source>
        <translation>{place} de {count}: {name}, pontuação {score:.2f}</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Detect…</source>
        <translation>Detectar…</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Find objects on the chosen raster</source>
        <translation>Procurar objetos no raster escolhido</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Next uncertain</source>
        <translation>Próximo incerto</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Zoom to the objects with the lowest scores, one after the other</source>
        <translation>Aproximar dos objetos com as pontuações mais baixas, um após o outro</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete</source>
        <translation>Excluir</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete the selected objects</source>
        <translation>Excluir os objetos selecionados</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Split</source>
        <translation>Dividir</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw a line through an object that should be two</source>
        <translation>Traçar uma linha através de um objeto que deveria ser dois</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Merge</source>
        <translation>Mesclar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Make one object of those that are selected</source>
        <translation>Fazer um só objeto dos selecionados</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Draw</source>
        <translation>Desenhar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw an object that is missing</source>
        <translation>Desenhar um objeto que falta</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Where you have looked at every object; elsewhere nothing will be learned</source>
        <translation>Onde você olhou todos os objetos; em outros lugares nada será aprendido</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Objects → labels</source>
        <translation>Objetos → rótulos</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Save the edits, and turn the objects into labels to train on</source>
        <translation>Salvar as edições e transformar os objetos em rótulos para treinar</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Checked</source>
        <translation>Verificado</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../panel_sketch.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Add a raster layer to the project.</source>
        <translation>Adicione uma camada raster ao projeto.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>There are no objects with a score.</source>
        <translation>Não há objetos com pontuação.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select objects first; “Next uncertain” selects one.</source>
        <translation>Selecione primeiro objetos; “Próximo incerto” seleciona um.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select the parts of the object, further ones with Shift and a click, then press “Merge” again.</source>
        <translation>Selecione as partes do objeto, as demais com Shift e um clique, e pressione “Mesclar” de novo.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Choose the raster that the objects were found on.</source>
        <translation>Escolha o raster em que os objetos foram encontrados.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>The map view does not show the raster.</source>
        <translation>A vista do mapa não mostra o raster.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{count} objects are labels now: train a model on them below.</source>
        <translation>{count} objetos agora são rótulos: treine abaixo um modelo com eles.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{name} cannot be edited.</source>
        <translation>{name} não pode ser editado.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{place} of {count}: {name}, confidence {confidence:.0f} %, {area:,.1f} ha</source>
        <translation>{place} de {count}: {name}, confiança {confidence:.0f} %, {area:,.1f} ha</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open report</source>
        <translation>Abrir relatório</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Zoom to uncertain</source>
        <translation>Ir ao incerto</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Steps through the least certain polygons; small ones and narrow strips come later</source>
        <translation>Percorre os polígonos menos certos; os pequenos e as faixas estreitas vêm depois</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>GeoSeg report</source>
        <translation>Relatório do GeoSeg</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open folder</source>
        <translation>Abrir pasta</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>There are no polygons with a confidence.</source>
        <translation>Não há polígonos com confiança.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{path} cannot be read: {reason}</source>
        <translation>Não é possível ler {path}: {reason}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview of the visible part</source>
        <translation>Prévia da parte visível</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview</source>
        <translation>Prévia</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the visible part of the map and show it as an overlay</source>
        <translation>Segmentar a parte visível do mapa e mostrá-la por cima</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the chosen area in the background</source>
        <translation>Segmentar a área escolhida em segundo plano</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg_results, beside the raster</source>
        <translation>geoseg_results, ao lado do raster</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Smaller polygons are merged into their neighbours</source>
        <translation>Polígonos menores são unidos aos vizinhos</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>By how much borders of polygons may be moved to make them smoother</source>
        <translation>Quanto as bordas dos polígonos podem mover-se para suavizá-las</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Cutting out the polygon…</source>
        <translation>Recortando o polígono…</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>GeoSeg: {scene}</source>
        <translation>GeoSeg: {scene}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>The results folder {folder} cannot be used: {reason}. Choose another one.</source>
        <translation>A pasta de resultados {folder} não pode ser usada: {reason}. Escolha outra.</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview after {seconds:.1f} s</source>
        <translation>Prévia após {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>{size:.4g} map units</source>
        <translation>{size:.4g} unidades do mapa</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg computes on {device}</source>
        <translation>O geoseg calcula em {device}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>computed with pixels of {size}: zoom in to see what the run will give</source>
        <translation>calculada com pixels de {size}: aproxime para ver o que a execução dará</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs {count} bands ({needs}), the raster has {have} ({names}).</source>
        <translation>O modelo precisa de {count} bandas ({needs}), o raster tem {have} ({names}).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Add a model folder</source>
        <translation>Adicionar uma pasta de modelo</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Raster</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Fix</source>
        <translation>Corrigir</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Render to a file…</source>
        <translation>Renderizar em arquivo…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Folder of a model</source>
        <translation>Pasta de um modelo</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Checking whether they fit…</source>
        <translation>Verificando se são compatíveis…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>In the unit assumed now, the values do not look like those that the model was trained on.</source>
        <translation>Na unidade suposta agora, os valores não se parecem com os do treinamento do modelo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs the bands {needs}. The raster does not name {missing}: choose them below.</source>
        <translation>O modelo precisa das bandas {needs}. O raster não nomeia {missing}: escolha-as abaixo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model was trained on reflectance, which digital numbers become by a gain and an offset: write those of the scene's metadata into Scale and Offset below, or convert the scene to reflectance first. Without them only a model of your own can be used, trained on this raster (New classes…).</source>
        <translation>O modelo foi treinado com refletância, em que os números digitais se transformam por um ganho e um deslocamento: escreva os dos metadados da cena em Escala e Deslocamento, abaixo, ou converta antes a cena para refletância. Sem eles só serve um modelo próprio, treinado neste raster (Novas classes…).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source> (default)</source>
        <translation> (padrão)</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>No installed model works with these bands alone. Add bands from other layers below, add a model folder (…), or name classes of your own, draw examples and train a model on them.</source>
        <translation>Nenhum modelo instalado funciona só com estas bandas. Adicione abaixo bandas de outras camadas, adicione uma pasta de modelo (…), ou nomeie classes próprias, desenhe exemplos e treine um modelo com eles.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>the first run, or a preview, measures how long it takes</source>
        <translation>a primeira execução, ou uma prévia, mede quanto tempo leva</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The unit of the values is not checked: the model does not say how its own are distributed.</source>
        <translation>A unidade dos valores não é verificada: o modelo não diz como os seus se distribuem.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Choose a raster and a model.</source>
        <translation>Escolha um raster e um modelo.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>They fit: {count} bands, {size:.1f} Mpx</source>
        <translation>Compatíveis: {count} bandas, {size:.1f} Mpx</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>{size:.1f} GB of memory</source>
        <translation>{size:.1f} GB de memória</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Use model {name}</source>
        <translation>Usar o modelo {name}</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>about {seconds:.0f} s</source>
        <translation>cerca de {seconds:.0f} s</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Select a class, draw it in three places or more, and save the edits.</source>
        <translation>Selecione uma classe, desenhe-a em três lugares ou mais e salve as edições.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch a model</source>
        <translation>Esboçar um modelo</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch</source>
        <translation>Esboçar</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Save the edits of the labels, learn a model from them, and show its map of the visible part</source>
        <translation>Salva as edições dos rótulos, aprende um modelo com eles e mostra o mapa da parte visível</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Zoom to the place where a label would help most, one after the other</source>
        <translation>Aproxima, um após o outro, os lugares onde um rótulo mais ajudaria</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click objects</source>
        <translation>Clicar em objetos</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class: a click model such as SAM outlines it in the labels</source>
        <translation>Clique em um objeto da classe escolhida: um modelo de clique como o SAM o delimita nos rótulos</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The click model that outlines</source>
        <translation>O modelo de clique que delimita</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch when edits are saved</source>
        <translation>Esboçar ao salvar as edições</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Outlining</source>
        <translation>Delimitando</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Name classes, draw some places of each, and see a map of the visible part within seconds.</source>
        <translation>Dê nome às classes, desenhe alguns lugares de cada uma e veja em segundos um mapa da parte visível.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>There are unsaved edits: save them, or press Sketch.</source>
        <translation>Há edições não salvas: salve-as ou pressione Esboçar.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Shown {seconds:.1f} s after saving. Run maps the whole raster.</source>
        <translation>Mostrado {seconds:.1f} s após salvar. Executar mapeia o raster inteiro.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The labels were removed from the project: choose others, or make new classes.</source>
        <translation>Os rótulos foram removidos do projeto: escolha outros ou crie novas classes.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class. Shift adds to it, Ctrl takes away.</source>
        <translation>Clique em um objeto da classe escolhida. Shift acrescenta, Ctrl retira.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>; newer drawings wait</source>
        <translation>; desenhos mais recentes esperam</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>{count} drawings have no class and are left out.</source>
        <translation>{count} desenhos não têm classe e ficam de fora.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The edits cannot be saved: {reason}</source>
        <translation>As edições não podem ser salvas: {reason}</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch after {seconds:.1f} s</source>
        <translation>Esboço após {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>{band}: {low:.2g} to {high:.2g}, half of it below {middle:.2g}</source>
        <translation>{band}: {low:.2g} a {high:.2g}, metade abaixo de {middle:.2g}</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>As in the file</source>
        <translation>Como no arquivo</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance 0…1</source>
        <translation>Reflectância 0…1</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance in percent</source>
        <translation>Reflectância em porcentagem</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance as 0…255</source>
        <translation>Reflectância como 0…255</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 10,000</source>
        <translation>Reflectância × 10.000</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 65,535</source>
        <translation>Reflectância × 65.535</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Sentinel-2 since 2022</source>
        <translation>Sentinel-2 desde 2022</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Unit of the values; choose another one to change it:</source>
        <translation>Unidade dos valores; escolha outra para mudá-la:</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source> (as assumed now)</source>
        <translation> (suposta agora)</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>The values are stored in another unit than assumed. Which picture looks natural?</source>
        <translation>Os valores estão em outra unidade que a suposta. Qual imagem parece natural?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>It cannot be told in which unit the values are stored. Which picture looks natural?</source>
        <translation>Não é possível saber em que unidade estão os valores. Qual imagem parece natural?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>gain and offset are needed</source>
        <translation>ganho e deslocamento necessários</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Black border (value {value}) = no data</source>
        <translation>Borda preta (valor {value}) = sem dados</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of value {value} = no data</source>
        <translation>Borda de valor {value} = sem dados</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of one colour = no data</source>
        <translation>Borda de uma só cor = sem dados</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>; {share:.0f} % of the raster</source>
        <translation>; {share:.0f} % do raster</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Digital numbers of the sensor</source>
        <translation>Números digitais do sensor</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Starting geoseg (loading PyTorch)</source>
        <translation>Iniciando o geoseg (carregando o PyTorch)</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Loading scene and model</source>
        <translation>Carregando cena e modelo</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Measuring the fastest settings, once for this model</source>
        <translation>Medindo os ajustes mais rápidos, uma vez por modelo</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Segmenting</source>
        <translation>Segmentando</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Writing the class map</source>
        <translation>Gravando o mapa de classes</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Making polygons</source>
        <translation>Criando polígonos</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Comparing</source>
        <translation>Comparando</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Drawing points</source>
        <translation>Sorteando pontos</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Training</source>
        <translation>Treinando</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Searching the best settings</source>
        <translation>Buscando os melhores ajustes</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Reading what was drawn</source>
        <translation>Lendo o que foi desenhado</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Learning</source>
        <translation>Aprendendo</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>{time} left</source>
        <translation>faltam {time}</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>GeoSeg panel</source>
        <translation>Painel GeoSeg</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Accuracy and areas…</source>
        <translation>Exatidão e áreas…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Detect changes…</source>
        <translation>Detectar mudanças…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Environment…</source>
        <translation>Ambiente…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Help</source>
        <translation>Ajuda</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Render to a file</source>
        <translation>Renderizar em arquivo</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>GeoTIFF (*.tif)</source>
        <translation>GeoTIFF (*.tif)</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels are too many: choose a smaller area or larger pixels.</source>
        <translation>{width:,} × {height:,} pixels são demais: escolha uma área menor ou pixels maiores.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels, at most {size:,.1f} MB</source>
        <translation>{width:,} × {height:,} pixels, no máximo {size:,.1f} MB</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>That is a lot: many providers forbid bulk downloads. Choose a smaller area or larger pixels.</source>
        <translation>É muito: muitos provedores proíbem downloads em massa. Escolha uma área menor ou pixels maiores.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>The layer states no terms of use: make sure that the provider allows copies and their analysis.</source>
        <translation>A camada não informa termos de uso: verifique se o provedor permite cópias e sua análise.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>About {count:,} tiles are fetched from {host}.</source>
        <translation>Cerca de {count:,} blocos são obtidos de {host}.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>this computer</source>
        <translation>este computador</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Terms of the provider: {terms}</source>
        <translation>Termos do provedor: {terms}</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>Give a file name that ends in .tif.</source>
        <translation>Informe um nome de arquivo que termine em .tif.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The folder {folder} cannot be written.</source>
        <translation>Não é possível gravar na pasta {folder}.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The map cannot be written (error {code}).</source>
        <translation>Não é possível gravar o mapa (erro {code}).</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Scene</source>
        <translation>Cena</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Files</source>
        <translation>Arquivos</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Windows</source>
        <translation>Janelas</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Time</source>
        <translation>Tempo</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <location filename="../results.py"/>
        <source>Classes</source>
        <translation>Classes</translation>
    </message>
    <message>
        <location filename="../results.py"/>
        <source>GeoSeg {scene}</source>
        <translation>GeoSeg {scene}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Name classes and draw examples of them on this raster</source>
        <translation>Dar nome a classes e desenhar exemplos delas neste raster</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Draw the class that is selected in the table</source>
        <translation>Desenhar a classe selecionada na tabela</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Choose a layer of labels, or make new classes first.</source>
        <translation>Escolha primeiro uma camada de rótulos ou crie novas classes.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>What is drawn has no class: choose one for each drawing.</source>
        <translation>O que foi desenhado não tem classe: escolha uma para cada desenho.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Nothing is drawn yet: draw some places of each class.</source>
        <translation>Ainda não há nada desenhado: desenhe alguns lugares de cada classe.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Labels of {raster}</source>
        <translation>Rótulos de {raster}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Only “{name}” is drawn: draw something of another class, too.</source>
        <translation>Só “{name}” está desenhado: desenhe também algo de outra classe.</translation>
    </message>
    <message>
        <location filename="../sketch_loop.py"/>
        <source>Comparing other ways to learn; draw on meanwhile</source>
        <translation>Comparando outras formas de aprender; continue desenhando</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged: each class was drawn in one place only. Draw each in two places or more.</source>
        <translation>Não avaliado: cada classe foi desenhada em um só lugar. Desenhe cada uma em dois lugares ou mais.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % of the held-out pixels are right ({places} places).</source>
        <translation>{share:.0f} % dos pixels reservados estão certos ({places} lugares).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % ± {spread:.0f} of the held-out pixels are right ({places} places).</source>
        <translation>{share:.0f} % ± {spread:.0f} dos pixels reservados estão certos ({places} lugares).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Measured on drawings that were left out of learning. Expect less of the whole map: it has borders and mixed pixels.</source>
        <translation>Medido em desenhos que ficaram fora do aprendizado. Espere menos do mapa inteiro: ele tem bordas e pixels mistos.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Select the class that you draw next</source>
        <translation>Selecione a classe que você desenhará em seguida</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Number and area of the drawings of the class</source>
        <translation>Número e área dos desenhos da classe</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Share of the pixels of held-out drawings that the model gets right</source>
        <translation>Proporção dos pixels de desenhos reservados que o modelo acerta</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>not judged</source>
        <translation>não avaliado</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Drawn</source>
        <translation>Desenhado</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Right</source>
        <translation>Certos</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged, drawn in one place only: {names}.</source>
        <translation>Não avaliadas, desenhadas em um só lugar: {names}.</translation>
    </message>
</context>
</TS>
