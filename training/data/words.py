"""Which words are true, false or undecided for each training concept."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.photos import DENSE_CONCEPTS, DENSE_SETS, FACADE, MSRC, VOC, imagenet_rows
from training.data.wordnet import TOO_GENERAL, WordNet

#: Never trained: `training.run.measure` uses them: does a synonym work as well as the name?
TEST_SYNONYMS = {
    "car": ("automobile", "motorcar"),
    "grass": ("lawn", "turf"),
    "dog": ("puppy", "hound"),
    "cat": ("kitten", "tomcat"),
    "bicycle": ("bike", "pushbike"),
    "sofa": ("couch", "settee"),
    "boat": ("ship", "vessel"),
    "aeroplane": ("airplane", "aircraft", "plane", "jet"),
    "pavement": ("sidewalk", "footpath"),
    "water": ("sea", "ocean"),
    "tree": ("woods", "trees"),
    "road": ("street", "roadway"),
    "person": ("man", "woman"),
    "motorbike": ("motorcycle",),
    "horse": ("pony",),
    "cow": ("cattle",),
    "sheep": ("lamb",),
    "flower": ("blossom",),
    "mountain": ("hill",),
    "building": ("edifice",),
    "tvmonitor": ("telly",),
    "pottedplant": ("houseplant",),
    "bird": ("birdie",),
}
NEVER_TRAINED = frozenset(word for words in TEST_SYNONYMS.values() for word in words)

#: True names of dense concepts beside their own, by class name.
NAMES = {
    "diningtable": ("dining table", "table"),
    "pottedplant": ("potted plant", "plant"),
    "tvmonitor": ("tv monitor", "monitor", "screen"),
    "vegetation": ("vegetation", "tree", "greenery", "plants", "foliage", "bush"),
    "body": ("body", "person", "human body", "people", "clothes"),
    "face": ("face", "person", "human face", "head"),
    "person": ("person", "people", "human", "pedestrian"),
    "cyclist": ("cyclist", "bicyclist", "person on a bicycle"),
    "pole": ("pole", "post", "lamp post", "column"),
    "plate": ("sign", "traffic sign", "road sign", "sign symbol"),
    "sign": ("sign", "signboard"),
    "fence": ("fence", "railing", "barrier", "fencing"),
    "road": ("road", "asphalt", "tarmac"),
    "pavement": ("pavement", "paving", "walkway", "curb"),
    "building": ("building", "house", "facade"),
    "aeroplane": ("aeroplane",),
    "tree": ("tree", "foliage"),
    "water": ("water",),
    "grass": ("grass", "meadow"),
    "car": ("car", "parked car"),
    "bus": ("bus", "coach bus"),
    "train": ("train", "railway train"),
    "book": ("book", "books", "bookshelf"),
    "mountain": ("mountain", "mountains"),
    "sky": ("sky", "blue sky", "clouds"),
    "window": ("window",),
    "door": ("door",),
    "motorbike": ("motorbike",),
    "facade": ("facade", "building front", "frontage"),
    "street": ("road", "asphalt", "tarmac"),  # "street" is a test synonym
    "balcony fence": ("balcony fence", "balcony railing", "balcony"),
    "television": ("television", "tv", "screen"),
    "shelves": ("shelves", "shelf"),
    "bookshelf": ("bookshelf", "bookcase"),
    "clothes": ("clothes", "clothing"),
    "books": ("books", "book"),
    "night stand": ("night stand", "nightstand", "bedside table"),
    "picture": ("picture", "painting", "poster"),
    "counter": ("counter", "countertop"),
    "refrigerator": ("refrigerator", "fridge"),
    "floor mat": ("floor mat", "rug", "carpet"),
    "lamp": ("lamp", "light"),
    "blinds": ("blinds", "window blinds"),
    "blind": ("blind", "window blind"),
    "rhino": ("rhino", "rhinoceros"),
    "leaves": ("leaves", "green leaves"),
    "dry leaves": ("dry leaves", "fallen leaves"),
    "dry branches": ("dry branches", "twigs"),
    "soil": ("soil", "dirt", "earth"),
    "stone": ("stone", "rock"),
    "fabric": ("fabric", "cloth"),
    "purse": ("purse", "handbag"),
    "glasses": ("glasses", "eyeglasses"),
    "pants": ("pants", "trousers"),
    "wall": ("wall", "walls"),
    "floor": ("floor", "flooring"),
}
#: Two groups of names, drawn at random once, that heads are trained without to see how words that
#: were never trained are recognized.
FOLDS = tuple(
    tuple(random.Random(0).sample(sorted({*MSRC, *FACADE, *VOC}), 18)[start::2])
    for start in range(2)
)
#: Names that may or may not hold where a concept was marked: neither true nor false.
UNDECIDED = {
    "building": "window,door,wall,architecture,fence,pole,sign,roof,tower,brick,stone,column",
    "road": "pavement,paving,walkway,ground,floor,curb,surface,track,path",
    "pavement": "road,asphalt,tarmac,ground,floor,path,surface",
    "vegetation": "grass,flower,plant,meadow,fence,shrub,leaf,forest,garden,potted plant",
    "tree": "vegetation,greenery,plants,bush,plant,forest,leaf,branch,flower",
    "grass": "vegetation,greenery,plants,plant,field,garden,ground,foliage",
    "flower": "vegetation,greenery,plants,plant,garden,foliage,potted plant,petal",
    "pottedplant": "vegetation,greenery,plants,flower,foliage,tree,bush,vase,pot",
    "mountain": "vegetation,rock,forest,landscape,snow,cliff,valley",
    "water": "river,lake,pool,wave,beach,boat",
    "face": "body,people,human,pedestrian,human body,clothes,cyclist,bicyclist,hair",
    "body": "face,human,pedestrian,cyclist,bicyclist,human face,head,dress,jersey,jean",
    "person": "body,face,cyclist,bicyclist,rider,human body,human face,head,clothes,dress,hair",
    "cyclist": "person,people,human,pedestrian,bicycle,body,face,rider,human body,clothes,head",
    "bicycle": "cyclist,bicyclist,person on a bicycle,wheel,motorbike",
    "chair": "sofa,seat,furniture,table",
    "sofa": "chair,seat,furniture,bed,pillow,cushion",
    "diningtable": "chair,furniture,plate,food,desk,bottle",
    "sign": "pole,post,traffic sign,road sign,sign symbol,board,door,building,window",
    "plate": "pole,post,signboard,board",
    "window": "building,house,facade,door,architecture,glass",
    "door": "building,house,facade,window,architecture,gate",
    "fence": "pole,post,column,gate,wall,bars,window",
    "pole": "sign,fence,barrier,railing,flagpole,column,pillar",
    "car": "window,wheel,vehicle,parked car,bus",
    "bus": "car,window,vehicle,parked car",
    "train": "track,window,vehicle",
    "book": "shelf,bookcase,paper,library",
    "sky": "cloud",
    "horse": "rider,saddle",
    "tvmonitor": "television,tv,computer,desktop computer,window,laptop",
    "bottle": "drink,glass",
    "wall": "building,house,facade,architecture,curtain,whiteboard,molding,cornice",
    "floor": "floor mat,rug,carpet,ground,pavement,paving,tile",
    "floor mat": "floor,flooring,prayer rug,doormat",
    "ceiling": "wall,roof,lamp,light",
    "cabinet": "dresser,door,furniture,shelf,shelves,counter,wardrobe,china cabinet,medicine chest",
    "bed": "pillow,furniture,quilt,four-poster,studio couch,bedding,sofa",
    "pillow": "bed,sofa,quilt,bedding",
    "table": "desk,dining table,furniture,counter,night stand,coffee table",
    "desk": "table,dining table,furniture,counter",
    "counter": "table,cabinet,desk,kitchen",
    "dresser": "cabinet,night stand,nightstand,furniture,chiffonier,chest",
    "night stand": "dresser,cabinet,table,furniture,chiffonier,desk",
    "bookshelf": "books,book,shelf,shelves,furniture,library,bookshop",
    "books": "bookshelf,bookcase,shelf,shelves,paper,book jacket,comic book",
    "shelves": "bookshelf,bookcase,books,book,cabinet,box,furniture",
    "picture": "paper,mirror,window,wall",
    "mirror": "window,picture",
    "curtain": "blinds,window,window blinds,shower curtain,window shade,theater curtain",
    "blinds": "curtain,window,blind,window blind,window shade,window screen,shower curtain",
    "blind": "curtain,blinds,window,window shade,window blinds,shutter",
    "shower curtain": "curtain,drape,towel",
    "clothes": "towel,bag,person,people,wardrobe",
    "towel": "clothes,clothing,curtain,bath towel",
    "television": "tv monitor,monitor,computer,picture,window,entertainment center",
    "paper": "books,book,picture,box,envelope",
    "box": "bag,paper,carton,chest,crate",
    "bag": "box,clothes,backpack,purse,handbag",
    "whiteboard": "wall,board,picture,window",
    "toilet": "toilet seat,bathroom,sink",
    "sink": "counter,washbasin,faucet,countertop",
    "bathtub": "tub,sink,bathroom",
    "lamp": "table lamp,lampshade,spotlight",
    "facade": "building,house,wall,architecture,front,brick,stone",
    "street": "pavement,paving,walkway,ground,floor,curb,surface,track,path,sidewalk",
    "balcony fence": "fence,railing,facade,building,house,window,bars",
    "sand": "soil,dirt,earth,ground,beach,seashore",
    "cement": "concrete,floor,ground,pavement,wall,road",
    "concrete": "cement,floor,ground,pavement,wall,road",
}
#: Sets whose classes lie across the things of other sets (a wooden table, a window's sill): the
#: names of other sets are undecided there.
ACROSS = (
    "facades_dusk", "facades_cmp", "clothing_ccp", "backyard_surfaces", "materials_matnet",
)  # fmt: skip
#: Material names are undecided wherever things are marked, and clothes wherever people are.
PEOPLE = frozenset({"person", "body", "cyclist", "face", "clothes", "skin", "hair"})
SYNSET_NAME = {
    "television": "television receiver", "shelves": "shelf", "books": "book", "clothes": "clothing",
    "blinds": "window blind", "blind": "window blind", "pillar": "column", "leaves": "leaf",
    "boots": "boot", "shoes": "shoe", "sandals": "sandal", "socks": "sock", "gloves": "glove",
    "jeans": "jean", "pants": "trouser", "stockings": "stocking", "earrings": "earring",
    "leggings": "legging", "loafers": "loafer", "clogs": "clog", "sneakers": "gym shoe",
    "night stand": "nightstand", "facade": "facade", "street": "road",
    # WordNet's first sense is another thing, or nothing that a photo shows.
    "counter": "", "void": "", "belt": "", "bracelet": "", "cape": "", "jumper": "", "ring": "",
    "romper": "", "top": "", "flats": "", "soil": "", "molding": "", "paper": "", "toilet": "",
    "blazer": "blazer", "tie": "tie", "vegetation": "vegetation", "shop": "", "decoration": "",
    "picture": "", "wall": "", "water": "water",
    "aeroplane": "airplane", "diningtable": "dining table", "pottedplant": "pot plant",
    "motorbike": "motorcycle", "tvmonitor": "monitor", "cyclist": "cyclist", "plate": "sign",
}  # fmt: skip
SENSE_NUMBER = {
    "tvmonitor": 4, "sign": 3, "plate": 3, "pole": 1, "table": 2, "emu": 2, "tiger": 2, "lamp": 2,
}  # fmt: skip

INTEL = {
    "buildings": ("buildings", "building", "city buildings"),
    "forest": ("forest", "forest trees"),
    "glacier": ("glacier", "ice", "snow"),
    "mountain": ("mountain", "mountains", "mountain peak"),
    "sea": ("seaside", "body of water"),  # "sea" and "street" are test synonyms
    "street": ("city", "town"),
}
CALTECH = {
    "Faces": ("face", "human face"), "Leopards": ("leopard",), "Motorbikes": ("motorbike",),
    "airplanes": ("aeroplane",), "car_side": ("car",), "water_lilly": ("water lily",),
    "cougar_body": ("cougar",), "cougar_face": ("cougar",), "flamingo_head": ("flamingo",),
    "crocodile_head": ("crocodile",), "hawksbill": ("hawksbill turtle", "turtle"),
    "cellphone": ("cellphone", "mobile phone"), "rhino": ("rhino", "rhinoceros"),
}  # fmt: skip


#: Concept; true names, its own first; undecided names.
Entry = tuple[tuple[str, str], list[str], list[str]]


@dataclass
class Concepts:
    """Training concepts and the words they know.

    Attributes:
        keys: ("dense" | "imagenet" | "intel" | "caltech", label) of each concept.
        words: all trained words.
        true: bool [concepts, words].
        undecided: bool [concepts, words], never both true and undecided.
        own: index of the word that names the concept best.
    """

    keys: list[tuple[str, str]]
    words: list[str]
    true: np.ndarray
    undecided: np.ndarray
    own: np.ndarray

    def index(self, kind: str, label: str) -> int:
        """The number of a concept."""
        return self.keys.index((kind, label))


def dense_names(label: str) -> tuple[str, ...]:
    """Names of a dense class, its own first and in ordinary spelling."""
    return NAMES.get(label, (label,))


def build(data: Path, wordnet: WordNet, left_out: Iterable[str] = ()) -> Concepts:
    """All concepts with their words.

    Args:
        left_out: names trained without: neither they, their WordNet synonyms, their plurals nor
            their test synonyms are words; regions of such classes are taught nothing.
    """
    left = _family(wordnet, left_out)
    entries: list[Entry] = []
    for dataset, label in DENSE_CONCEPTS:
        names = list(dense_names(label))
        synset = _synset(wordnet, label)
        names += _above(wordnet, synset) + list(_lemmas(wordnet, synset))
        vague = UNDECIDED.get(label, "").split(",") + _below(wordnet, synset)
        vague += _across(dataset, label)
        entries.append((("dense", f"{dataset}/{label}"), names, vague))
    for wnid, name in imagenet_rows(data):
        names = [name.lower(), *_lemmas(wordnet, wnid), *_above(wordnet, wnid)]
        entries.append((("imagenet", wnid), names, []))
    for label, given in INTEL.items():
        around = (
            "sky,tree,mountain,building,road,car,water,person,rock,snow,cloud,window,vegetation"
        )
        entries.append((("intel", label), list(given), around.split(",") + list(CITY)))
    for label in _caltech_labels(data):
        plain = label.replace("_", " ").lower()
        given = CALTECH.get(label, (plain,))
        synset = _first(wordnet, given[0])
        names = [*given, *_lemmas(wordnet, synset), *_above(wordnet, synset)]
        entries.append((("caltech", label), names, _below(wordnet, synset)))
    return _tables(entries, left)


def _across(dataset: str, label: str) -> list[str]:
    """Names of other sets that say nothing here, because their classes cross this one."""

    def names(*sets: str) -> set[str]:
        return {name for s in sets for other in DENSE_SETS[s] for name in dense_names(other)}

    if dataset in ACROSS:
        kept = set() if dataset == "clothing_ccp" else names(dataset)
        return sorted(names(*DENSE_SETS) - kept)
    found = names("materials_matnet") - {"water", "foliage", "food"}
    if label in PEOPLE:
        found |= names("clothing_ccp")
    if label in ("building", "window", "door"):
        found |= names("facades_cmp", "facades_dusk") - {"car", "vegetation", "road"}
    return sorted(found)


def meanings(data: Path, wordnet: WordNet) -> dict[str, set[str]]:
    """Synsets that trained words stand for, as far as `build` took the words from WordNet."""
    roots: set[str | None] = {_synset(wordnet, label) for _, label in DENSE_CONCEPTS}
    roots |= {wnid for wnid, _ in imagenet_rows(data)}
    for label in _caltech_labels(data):
        roots.add(_first(wordnet, CALTECH.get(label, (label.replace("_", " ").lower(),))[0]))
    found: dict[str, set[str]] = {}
    for root in roots:
        if root is None:
            continue
        for synset in (root, *wordnet.ancestors(root)):
            for word in wordnet.words[synset]:
                found.setdefault(word, set()).add(synset)
    return found


CITY = ("house", "facade", "pavement", "asphalt", "people", "bus", "traffic light")


def _tables(entries: list[Entry], left_out: set[str]) -> Concepts:
    kept = []
    for key, names, vague in entries:
        if names[0] in left_out:
            names = []  # a class left out: its regions teach nothing
        names = [n for n in dict.fromkeys(names) if n not in left_out | NEVER_TRAINED]
        kept.append((key, names, vague))
    words = sorted({name for _, names, _ in kept for name in names})
    at = {word: i for i, word in enumerate(words)}
    true = np.zeros((len(kept), len(words)), dtype=bool)
    undecided = np.zeros_like(true)
    own = np.full(len(kept), -1)
    for row, (_, names, vague) in enumerate(kept):
        true[row, [at[name] for name in names]] = True
        undecided[row, [at[name] for name in vague if name in at]] = True
        own[row] = at[names[0]] if names else -1
    return Concepts([key for key, *_ in kept], words, true, undecided & ~true, own)


def _first(wordnet: WordNet, name: str) -> str | None:
    return next(iter(wordnet.senses.get(name, ())), None)


def _synset(wordnet: WordNet, label: str) -> str | None:
    senses = wordnet.senses.get(SYNSET_NAME.get(label, label), ())
    number = SENSE_NUMBER.get(label, 1)
    return senses[number - 1] if len(senses) >= number else None


def _lemmas(wordnet: WordNet, synset: str | None) -> tuple[str, ...]:
    return wordnet.words[synset] if synset else ()


def _above(wordnet: WordNet, synset: str | None, levels: int = 7) -> list[str]:
    if synset is None:
        return []
    names = []
    for parent in wordnet.ancestors(synset)[:levels]:
        names += [w for w in wordnet.words[parent][:2] if w not in TOO_GENERAL]
    return names


def _below(wordnet: WordNet, synset: str | None, levels: int = 4) -> list[str]:
    if synset is None:
        return []
    found, layer = [], [synset]
    for _ in range(levels):
        layer = [c for s in layer for c in wordnet.children.get(s, ())]
        found += [word for s in layer for word in wordnet.words[s]]
    return found


def _family(wordnet: WordNet, names: Iterable[str]) -> set[str]:
    """Names, their synonyms in the senses meant here, their test synonyms and plurals."""
    found: set[str] = set()
    for name in names:
        found |= {name, *dense_names(name)[:1], *TEST_SYNONYMS.get(name, ())}
        found |= set(_lemmas(wordnet, _synset(wordnet, name)))
        found |= {n for n in dense_names(name) if n not in SHARED_NAMES}
    return found | {word + "s" for word in found}


#: Extra names that other classes carry as their own; leaving out one class keeps them.
SHARED_NAMES = frozenset({"person", "tree", "plant", "table", "sign", "people"})


def _caltech_labels(data: Path) -> list[str]:
    return sorted(p.name for p in (data / "labelled" / "caltech101").iterdir() if p.is_dir())
