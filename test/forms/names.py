"""What is named in hOCR and ALTO files: elements and their attributes, and of hOCR classes and properties; one JSON object of
lists, by file."""
import json
import sys

from lxml import etree


def named(path):
    names = set()
    tree = etree.parse(path, etree.XMLParser(no_network=True, load_dtd=False))
    for element in tree.iter(etree.Element):
        tag = etree.QName(element).localname
        names.add(tag)
        names.update(tag + '@' + etree.QName(attribute).localname for attribute in element.attrib)
        kind = element.get('class')
        if kind:
            names.add('.' + kind)
            names.update('.' + kind + ' ' + part.split()[0] for part in element.get('title', '').split(';'))
    return sorted(names)


json.dump({path: named(path) for path in sys.argv[1:]}, sys.stdout)
