"""What files in the forms of pg_ocr hold, as others read them: one JSON object, by file. Of ALTO and hOCR the words, of HTML
the text, of JSON what is wrong with it by its schema, the first argument."""
import json
import sys

import jsonschema
from lxml import etree, html

with open(sys.argv[1], encoding='utf-8') as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def held(path):
    if path.endswith('.json'):
        with open(path, encoding='utf-8') as file:
            return [error.message[:200] for error in validator.iter_errors(json.load(file))]
    if path.endswith('.html'):
        with open(path, encoding='utf-8') as file:
            return html.fragment_fromstring(file.read(), create_parent='div').text_content()
    tree = etree.parse(path, etree.XMLParser(no_network=True, load_dtd=False))
    if path.endswith('.alto'):
        return [str(text) for text in tree.xpath('//*[local-name()="String"]/@CONTENT')]
    return [''.join(word.itertext()) for word in tree.xpath('//*[@class="ocrx_word"]')]


json.dump({path: held(path) for path in sys.argv[2:]}, sys.stdout)
