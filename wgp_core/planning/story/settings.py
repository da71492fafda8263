"""Where scenes can be, in which light and mood: kinds of places with their corners, and light that follows a day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...prompts.facts import facts_of

WIDE, QUIET, DOOR, HEART, HIGH, OUT = "wide", "quiet", "door", "heart", "high", "out"
"""Roles of a corner: to see all of it, to prepare in, to meet at, for the deed, from above, on the way out."""


@dataclass(frozen=True)
class Domain:
    """A kind of place. `spots` are (role, words) with "{P}" for the place as the story names it, else for `default`."""

    name: str
    default: str
    light: str
    nouns: frozenset[str]
    hints: frozenset[str]
    spots: tuple[tuple[str, str], ...]


def _domain(name: str, default: str, light: str, nouns: str, hints: str, *spots: tuple[str, str]) -> Domain:
    return Domain(name, default, light, frozenset(nouns.split()), frozenset(hints.split()), spots)


DOMAINS: tuple[Domain, ...] = (
    _domain("market", "the market", "open", "market bazaar marketplace fair souk stall",
            "merchant trickster vendor seller trader sell buy barter coin customer shopkeeper grocer juggler thief",
            (WIDE, "at the edge of {P}, stalls in long rows"), (QUIET, "behind a stall in {P}"),
            (DOOR, "between two crowded stalls in {P}"), (HEART, "in the middle of {P}"),
            (QUIET, "in a narrow lane beside {P}"), (HIGH, "on the steps above {P}"),
            (OUT, "on the road that leads away from {P}")),
    _domain("village", "the village", "open", "village hamlet", "villager peasant beggar cobbler potter baker orphan",
            (WIDE, "on the hill above {P}"), (QUIET, "in a small workroom in {P}"), (DOOR, "at a door in {P}"),
            (HEART, "at the well in the middle of {P}"), (QUIET, "in a lane of {P}"),
            (HIGH, "on a low roof in {P}"), (OUT, "on the road out of {P}")),
    _domain("city", "the city", "open", "city town downtown neighborhood neighbourhood metropolis "
            "tokyo osaka paris london york rome cairo berlin venice",
            "detective taxi busker graffiti hacker journalist reporter courier musician policeman photographer skater "
            "skateboard "
            "neighbor bicycle",
            (WIDE, "on a long street of {P}"), (QUIET, "in a quiet doorway in {P}"), (DOOR,
                "on a street corner in {P}"),
            (HEART, "in the middle of a busy crossing in {P}"), (QUIET, "in a narrow alley of {P}"),
            (HIGH, "on a rooftop above {P}"), (OUT, "on a bridge at the edge of {P}")),
    _domain("street", "the street", "open", "street alley rooftop avenue sidewalk boulevard corner plaza square stop "
                                            "crossing",
            "sheriff outlaw cowboy saloon gunslinger bandit",
            (WIDE, "far along {P}"), (QUIET, "in the shadow beside {P}"), (DOOR, "at the edge of {P}"), (HEART,
                "in the middle of {P}"),
            (QUIET, "at a quiet spot near {P}"), (HIGH, "high above {P}"), (OUT, "at the far end of {P}")),
    _domain("forest", "the forest", "open", "forest wood woods jungle woodland rainforest grove thicket bamboo",
            "wolf fox deer rabbit hunter witch elf fairy woodcutter lumberjack squirrel owl ranger hedgehog mushroom "
            "acorn badger",
            (WIDE, "at the edge of {P}"), (QUIET, "under an old tree in {P}"), (DOOR, "on a narrow path through {P}"),
            (HEART, "in a clearing deep in {P}"), (QUIET, "beside a small stream in {P}"),
            (HIGH, "on a mossy rock above {P}"), (OUT, "on the path that leads out of {P}")),
    _domain("grassland", "the grassland", "open", "savanna savannah prairie steppe plain grassland",
            "lion lioness zebra elephant giraffe hyena antelope cheetah buffalo mouse cricket",
            (WIDE, "in the tall grass of {P}"), (QUIET, "in the shade of a lone tree on {P}"), (DOOR,
                "at a water hole in {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "behind a low rock on {P}"), (HIGH, "on a flat rock above {P}"),
            (OUT, "on a trodden path across {P}")),
    _domain("mountain", "the mountain", "open", "mountain mountains peak summit cliff hill hills ridge volcano valley "
                                                "canyon glacier",
            "climber mountaineer eagle goat hiker avalanche yeti sherpa dragon",
            (WIDE, "at the foot of {P}"), (QUIET, "at a small camp below {P}"), (DOOR, "on a narrow ledge of {P}"),
            (HEART, "high on {P}"), (QUIET, "behind a sheltering rock on {P}"), (HIGH, "at the very edge of {P}"),
            (OUT, "on the long way down from {P}")),
    _domain("sea", "the sea", "open", "sea ocean boat ship deck raft harbor harbour bay gulf yacht sailboat canoe",
            "fisherman sailor pirate captain sail whale castaway mutiny marlin crew fish shark",
            (WIDE, "on the open water of {P}"), (QUIET, "below deck, far out on {P}"), (DOOR, "at the rail above {P}"),
            (HEART, "among tall waves on {P}"), (QUIET, "at the bow, facing {P}"), (HIGH, "high on the mast above {P}"),
            (OUT, "at the harbour wall beside {P}")),
    _domain("shore", "the beach", "open", "beach shore coast island pier dock lighthouse dune seashore lagoon port",
            "surfer lifeguard crab seashell lighthouse sandcastle turtle keeper shell bottle",
            (WIDE, "on the long shore near {P}"), (QUIET, "in a small room near {P}"), (DOOR,
                "at the foot of the path to {P}"),
            (HEART, "right at {P}"), (QUIET, "among the rocks by {P}"), (HIGH, "on the cliff above {P}"),
            (OUT, "on the path that leads away from {P}")),
    _domain("desert", "the desert", "open", "desert sahara oasis wasteland caravan dunes",
            "camel nomad scorpion cactus sultan genie caravan",
            (WIDE, "on a ridge of sand above {P}"), (QUIET, "in a small tent in {P}"), (DOOR,
                "at a lonely well in {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "in the shade of a rock in {P}"), (HIGH,
                "on the highest dune of {P}"),
            (OUT, "on a track of footprints across {P}")),
    _domain("castle", "the castle", "room", "castle palace throne tower court dungeon fortress courtyard keep kingdom",
            "king queen prince princess knight dragon jester emperor empress sultan crown sword duke guard kingdom "
            "curse throne",
            (WIDE, "before the walls of {P}"), (QUIET, "in a small chamber of {P}"), (DOOR, "at the gate of {P}"),
            (HEART, "in the great hall of {P}"), (QUIET, "on a winding stair in {P}"), (HIGH,
                "on the battlements of {P}"),
            (OUT, "on the bridge that leads from {P}")),
    _domain("space", "the station", "space", "space spaceship spacecraft station orbit cockpit capsule shuttle "
                                             "starship satellite galaxy "
            "airlock rocket", "astronaut cosmonaut alien comet asteroid star starship",
            (WIDE, "outside {P}, above the curve of a planet"), (QUIET, "in a narrow cabin of {P}"),
            (DOOR, "at the airlock of {P}"), (HEART, "at the controls of {P}"), (QUIET, "in a long corridor of {P}"),
            (HIGH, "at the great window of {P}"), (OUT, "far outside {P}, among the stars")),
    _domain("planet", "the planet", "open", "mars moon planet crater asteroid colony",
            "rover martian colony lander terraform",
            (WIDE, "on a wide plain of {P}"), (QUIET, "beside a small shelter on {P}"), (DOOR,
                "at the rim of a crater on {P}"),
            (HEART, "among the rocks of {P}"), (QUIET, "in the shadow of a boulder on {P}"), (HIGH,
                "on a high ridge of {P}"),
            (OUT, "on a trail of tracks across {P}")),
    _domain("underwater", "the reef", "water", "underwater reef seabed wreck shipwreck lagoon trench aquarium",
            "diver mermaid octopus dolphin coral submarine clownfish jellyfish seahorse",
            (WIDE, "above the wide floor of {P}"), (QUIET, "in a small hollow of {P}"), (DOOR, "at the edge of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "between swaying plants near {P}"), (HIGH,
                "high above {P}, near the surface"),
            (OUT, "in the open blue beyond {P}")),
    _domain("kitchen", "the kitchen", "room", "kitchen bakery restaurant cafe café diner tavern inn pub bar",
            "chef cook baker bread cake recipe soup waiter barista pie cookie meal ramen dumpling",
            (WIDE, "at the door of {P}"), (QUIET, "at a side table in {P}"), (DOOR, "at the counter of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "by the stove in {P}"), (HIGH, "under the lamps of {P}"),
            (OUT, "on the step outside {P}")),
    _domain("home", "the house", "room", "house home cottage apartment hut mansion",
            "grandmother grandfather mother father child boy girl toddler toy family cat kitten doll letter piano "
            "birthday teddy "
            "sister brother twin photograph floor floors stairs blackout",
            (WIDE, "in front of {P}"), (QUIET, "at a small table in {P}"), (DOOR, "at the doorway of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "by the window of {P}"), (HIGH, "on the stairs of {P}"),
            (OUT, "on the path outside {P}")),
    _domain("room", "the room", "room", "room bedroom elevator bathtub tent cabin attic basement cellar living-room "
                                        "bathroom chamber nursery loft corridor", "",
            (WIDE, "at the open door of {P}"), (QUIET, "in a far corner of {P}"), (DOOR, "just inside {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "by the one window of {P}"), (HIGH, "on the narrow stairs to {P}"),
            (OUT, "outside the door of {P}")),
    _domain("yard", "the garden", "open", "garden backyard yard porch greenhouse lawn treehouse terrace balcony", "",
            (WIDE, "at the gate of {P}"), (QUIET, "in a shady corner of {P}"), (DOOR, "by the fence of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "under the one tree by {P}"), (HIGH, "on the wall of {P}"),
            (OUT, "in the lane behind {P}")),
    _domain("school", "the school", "room", "school classroom university gymnasium playground academy college",
            "teacher student pupil professor exam lesson homework bully classmate",
            (WIDE, "in front of {P}"), (QUIET, "at a desk in {P}"), (DOOR, "in the long corridor of {P}"),
            (HEART, "in a full classroom of {P}"), (QUIET, "in an empty stairwell of {P}"), (HIGH,
                "at an upper window of {P}"),
            (OUT, "at the gate of {P}")),
    _domain("hospital", "the hospital", "room", "hospital clinic ward", "doctor nurse surgeon patient paramedic "
            "medicine",
            (WIDE, "at the entrance of {P}"), (QUIET, "in a small office of {P}"), (DOOR, "in a corridor of {P}"),
            (HEART, "beside a bed in {P}"), (QUIET, "at a dark window of {P}"), (HIGH, "on the gallery of {P}"),
            (OUT, "on the steps outside {P}")),
    _domain("workshop", "the workshop", "room", "workshop lab laboratory factory garage studio forge warehouse shop "
                                                "store bookshop "
            "toyshop office smithy shed barn mill",
            "robot inventor scientist engineer mechanic machine clockmaker watchmaker carpenter blacksmith toymaker "
            "painter artist "
            "sculptor clock gear invent programmer android clerk boss accountant tailor shoemaker cobbler",
            (WIDE, "at the door of {P}"), (QUIET, "at a bench in {P}"), (DOOR, "between tall shelves in {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "in a corner of {P}"), (HIGH, "on a ladder in {P}"),
            (OUT, "on the step outside {P}")),
    _domain("farm", "the farm", "open", "farm field meadow orchard vineyard pasture ranch cornfield",
            "farmer shepherd sheep cow horse hen goat harvest scarecrow seed beekeeper bee tractor pig gardener "
            "flower sunflower",
            (WIDE, "in the wide land around {P}"), (QUIET, "beside a shed near {P}"), (DOOR, "at the gate of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "by a low stone wall near {P}"), (HIGH, "on a rise above {P}"),
            (OUT, "on the track that leads from {P}")),
    _domain("library", "the library", "room", "library museum archive gallery", "librarian book scholar archaeologist "
            "map manuscript thief "
            "curator", (WIDE, "in the high hall of {P}"), (QUIET, "at a reading table in {P}"), (DOOR,
                "between two shelves of {P}"),
            (HEART, "in the last room of {P}"), (QUIET, "in a forgotten corner of {P}"), (HIGH, "on a gallery of {P}"),
            (OUT, "on the steps outside {P}")),
    _domain("stage", "the theatre", "room", "theatre theater stage opera concert circus arena ballroom hall",
            "dancer singer actor actress violinist pianist ballerina clown acrobat magician orchestra conductor "
            "audition audience "
            "violin musician band", (WIDE, "before the empty seats of {P}"), (QUIET,
                "in a small room backstage at {P}"),
            (DOOR, "in the wings of {P}"), (HEART, "in the middle of the stage of {P}"), (QUIET,
                "behind the curtain of {P}"),
            (HIGH, "on the balcony of {P}"), (OUT, "at the stage door of {P}")),
    _domain("road", "the road", "open", "road highway trail path crossroads bridge track route", "driver truck car "
            "trucker biker motorcycle "
            "bus hitchhiker postman tortoise hare traveler traveller pilgrim", (WIDE, "on {P}, empty to the horizon"),
            (QUIET, "at a quiet stop beside {P}"), (DOOR, "at a bend of {P}"), (HEART, "in the middle of {P}"),
            (QUIET, "on the grass beside {P}"), (HIGH, "on a bank above {P}"), (OUT, "at the far end of {P}")),
    _domain("train", "the train", "room", "train subway bus airport airplane plane tram carriage platform metro "
                                          "railway",
            "commuter passenger conductor pilot suitcase stewardess luggage",
            (WIDE, "outside {P}"), (QUIET, "at a window seat in {P}"), (DOOR, "at the doors of {P}"),
            (HEART, "in the crowded middle of {P}"), (QUIET, "in a quiet corner of {P}"), (HIGH, "on the steps to {P}"),
            (OUT, "beside {P}, where the lights end")),
    _domain("park", "the park", "open", "park playground lake pond river zoo bench fountain riverbank stream "
                                        "waterfall swamp",
            "dog puppy duck kite swan frog butterfly balloon pigeon bench otter",
            (WIDE, "on the open ground around {P}"), (QUIET, "under a tree near {P}"), (DOOR, "on a path beside {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "at the quiet edge of {P}"), (HIGH, "on a small hill above {P}"),
            (OUT, "on the way home from {P}")),
    _domain("stadium", "the stadium", "open", "stadium racetrack gym ring court pool track field pitch arena rink",
            "runner athlete boxer "
            "swimmer goalkeeper football soccer race marathon coach championship medal trophy skater match tournament "
            "game",
            (WIDE, "in the open oval of {P}"), (QUIET, "in a bare changing room of {P}"), (DOOR,
                "in the tunnel of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "at the side line of {P}"), (HIGH, "high in the stands of {P}"),
            (OUT, "outside the gates of {P}")),
    _domain("cave", "the cave", "cave", "cave cavern mine tunnel tomb crypt sewer maze labyrinth pyramid catacomb",
            "miner bat archaeologist treasure mummy minotaur torch",
            (WIDE, "at the mouth of {P}"), (QUIET, "in a dry corner of {P}"), (DOOR, "in a narrow passage of {P}"),
            (HEART, "deep inside {P}"), (QUIET, "behind a fallen rock in {P}"), (HIGH, "on a ledge in {P}"),
            (OUT, "in the open, just outside {P}")),
    _domain("ice", "the ice", "open", "arctic antarctica tundra ice iceberg igloo pole snowfield",
            "penguin polar sled snowman husky reindeer seal walrus inuit",
            (WIDE, "on the endless plain of {P}"), (QUIET, "in a small shelter on {P}"), (DOOR, "at the edge of {P}"),
            (HEART, "in the middle of {P}"), (QUIET, "behind a wall of snow on {P}"), (HIGH,
                "on a white ridge above {P}"),
            (OUT, "on a line of tracks across {P}")),
    _domain("temple", "the temple", "room", "temple church monastery cathedral shrine mosque ruins ruin graveyard "
                                            "cemetery",
            "monk nun priest pilgrim oracle ninja samurai ghost",
            (WIDE, "before the gate of {P}"), (QUIET, "in a bare cell of {P}"), (DOOR, "on the worn steps of {P}"),
            (HEART, "in the inner court of {P}"), (QUIET, "beside a row of candles in {P}"), (HIGH,
                "on the wall of {P}"),
            (OUT, "on the long stair below {P}")),
    _domain("battlefield", "the battlefield", "open", "battlefield trench camp front border war", "soldier general "
            "army war battle viking "
            "gladiator enemy", (WIDE, "on the open ground of {P}"), (QUIET, "beside a low fire near {P}"),
            (DOOR, "at the edge of {P}"), (HEART, "in the middle of {P}"), (QUIET, "behind a broken wall on {P}"),
            (HIGH, "on a rise above {P}"), (OUT, "on the road away from {P}")),
    _domain("prison", "the prison", "room", "prison jail cell", "prisoner guard convict judge jailer warden",
            (WIDE, "before the walls of {P}"), (QUIET, "in a bare cell of {P}"), (DOOR, "at a barred door of {P}"),
            (HEART, "in the yard of {P}"), (QUIET, "in a dark corridor of {P}"), (HIGH, "on the wall of {P}"),
            (OUT, "on the road outside {P}")),
)
BY_NAME: Mapping[str, Domain] = {domain.name: domain for domain in DOMAINS}
ANYWHERE = _domain("anywhere", "the place", "open", "", "",
                   (WIDE, "in sight of {P}"), (QUIET, "in a quiet corner of {P}"), (DOOR, "at the edge of {P}"),
                   (HEART, "in the middle of {P}"), (QUIET, "in the shadow of {P}"), (HIGH, "above {P}"),
                   (OUT, "on the way from {P}"))
_ENDS = ("house", "land", "field", "yard", "room", "shop", "side", "port", "town", "ship", "way", "wood")


def place_kind(head: str) -> Domain | None:
    """The kind of place that a noun in base form names; None where it names none."""
    for domain in DOMAINS:
        if head in domain.nouns or (head.endswith("s") and head[:-1] in domain.nouns):
            return domain
    return ANYWHERE if head.endswith(_ENDS) and len(head) > 6 and head not in ("friendship", "subway", "apprenticeship",
                                                                                "worship", "hardship", "highway",
                                                                                "birthday", "household") else None


LONELY = frozenset("space planet underwater desert sea ice cave mountain forest".split())
"""Kinds of places where one does not meet people by chance."""
AIRLESS = frozenset("space planet underwater".split())


def place_suggested(words: Iterable[str]) -> Domain:
    """The kind of place that people, things and deeds suggest; earlier words count more."""
    scores: dict[str, float] = {}
    for order, word in enumerate(dict.fromkeys(words)):
        for domain in DOMAINS:
            if word in domain.hints or word in domain.nouns:
                scores[domain.name] = scores.get(domain.name, 0.0) + 1 / (1 + 0.15 * order)
    return BY_NAME[max(scores, key=lambda name: scores[name])] if scores else BY_NAME["village"]


# -- light ------------------------------------------------------------------------------------------------------------

_DAY = ("pale light of early dawn", "soft morning light", "clear morning sunlight", "bright late-morning sun",
        "high midday sun with short shadows", "warm afternoon sunlight", "long slanting afternoon shadows",
        "dramatic low sun with deep shadows", "golden evening light", "soft blue light of dusk")
_NIGHT = ("last blue light of dusk", "warm lantern light in the early dark", "cool moonlight",
          "silver moonlight with hard shadows",
          "a single lamp in deep darkness", "moonlight through drifting cloud",
          "flickering firelight and black shadows",
          "dramatic moonlit backlight", "starlight and a faint glow on the horizon", "first pale light before dawn")
LIGHTS: Mapping[str, tuple[str, ...]] = {
    "open": _DAY,
    "night": _NIGHT,
    "room": ("soft morning light through a window", "clear daylight from one side", "a beam of sunlight full of dust",
             "even daylight from high windows", "warm afternoon light across the floor", "low light with long shadows",
             "a single warm lamp in a dim room", "dramatic side light out of darkness",
             "golden evening light through a window", "soft candle glow at dusk"),
    "room night": ("last dusk light through a window", "warm lamplight", "candlelight and soft shadows",
                   "moonlight through a window", "a single lamp in deep darkness", "dim light from an open door",
                   "flickering candlelight and black shadows", "dramatic side light out of darkness",
                   "low embers of a dying fire", "first pale light at the window"),
    "water": ("pale light from the surface", "clear blue light with drifting rays", "bright rays through clear water",
              "dappled turquoise light", "soft green light", "dim blue light of deeper water",
              "dark water with one beam of light",
              "dramatic shafts of light from above", "golden rays sinking through the water", "calm violet light"),
    "space": ("bright sunlight against black space", "cool glow of instruments", "hard white sunlight from one side",
              "soft light reflected from the planet", "blue console light", "slow red warning light",
              "deep shadow with one bright edge", "dramatic rim light", "golden light of a rising sun",
              "quiet starlight"),
    "cave": ("daylight falling in from the entrance", "warm torchlight on stone", "a narrow beam of light",
             "cool reflected light on wet rock", "dim torchlight with long shadows", "a single flame in darkness",
             "flickering torchlight and black shadows", "dramatic backlight from a gap in the rock",
             "a warm glow on the walls", "soft daylight at the way out"),
    "rain": ("grey light before the rain", "soft light through falling rain", "dull daylight with rain on every "
             "surface",
             "street reflections in flat grey light", "dark sky with a bright edge", "rain lit from behind",
             "deep gloom under heavy cloud", "a flash of lightning through the rain",
             "first sun under the lifting clouds",
             "clear evening light on wet ground"),
    "snow": ("pale winter dawn", "soft white light of falling snow", "bright snow under a clear winter sun",
             "flat grey winter daylight", "cold blue shadows on the snow", "low winter sun with long shadows",
             "dim light in driving snow", "dramatic backlight through blown snow", "golden winter evening light",
             "deep blue winter dusk"),
    "fog": ("pale light in thick fog", "soft grey light", "a dim sun behind the fog",
            "diffuse white light without shadows",
            "fog lit by a single lamp", "dark shapes in grey light", "deep gloom in the fog",
            "dramatic backlight through the fog",
            "golden light breaking through the fog", "clear evening light above the mist"),
    "storm": ("uneasy light before the storm", "dull light under racing clouds", "dark sky with a bright edge",
              "cold grey storm light", "broken sunlight between black clouds", "deep gloom under heavy cloud",
              "a flash of lightning", "dramatic backlight through rain and spray", "first sun under the lifting clouds",
              "clear washed evening light"),
}
"""Ten lights each, in the order of a story's time; the eighth has the strongest contrast."""
_SPANS: Mapping[str, tuple[str, int, int]] = {
    "dawn": ("open", 0, 3), "morning": ("open", 1, 4), "noon": ("open", 3, 6), "afternoon": ("open", 4, 8),
    "golden_hour": ("open", 6, 9), "sunset": ("open", 6, 10), "evening": ("night", 0, 4), "dusk": ("night", 0, 5),
    "night": ("night", 0, 10)}


def light_for(kind: str, at: float, times: frozenset[str], weather: frozenset[str], used: set[str]) -> str:
    """The light of a scene at `at` (0 to 1) of the story, none of `used` where the stated time leaves another one.

    `kind` is a domain's light; times of day and weather that the story states come first, outdoors.
    """
    name, low, high = kind, 0, 10
    stated = next((time for time in ("night", "dusk", "evening", "sunset", "golden_hour", "afternoon", "noon",
                                     "morning",
                                     "dawn") if time in times), "")
    if kind in ("open", "room"):
        if stated:
            name, low, high = _SPANS[stated]
            name = ("room night" if name == "night" else "room") if kind == "room" else name
        if kind == "open":
            name = next((each for each in ("storm", "snow", "rain", "fog") if each in weather and (
                not stated or name != "night")), name)
            if name in ("storm", "snow", "rain", "fog"):
                low, high = 0, 10
    lights = LIGHTS[name]
    wanted = low + at * (high - 1 - low)
    order = sorted(range(low, high), key=lambda i: (abs(i - wanted), i))
    return next((lights[i] for i in order if lights[i] not in used), lights[order[0]])


def times_of(text: str) -> frozenset[str]:
    """The times of day that a text states: "night", "dawn", ..."""
    return facts_of(text).times - {"day"} if re.search(r"[a-z]", text, re.IGNORECASE) else frozenset()


def weather_of(text: str) -> frozenset[str]:
    """The weather that a text states: "rain", "snow", "fog", "storm", ..."""
    return facts_of(text).weather & {"rain", "snow", "fog", "storm"}


# -- mood -------------------------------------------------------------------------------------------------------------

MOODS: Mapping[str, tuple[str, ...]] = {
    "open": ("calm and expectant", "quietly curious", "still and full of promise"),
    "prepare": ("focused", "busy and hopeful", "thoughtful"),
    "meet": ("alert", "curious and open", "watchful"),
    "try": ("eager", "bold and hopeful", "determined"),
    "doubt": ("uneasy", "hesitant", "full of doubt"),
    "turn": ("tense", "startled", "on the edge"),
    "deed": ("intense", "decisive", "charged"),
    "after": ("breathless", "changed", "hushed"),
    "joy": ("joyful", "warm and relieved", "peaceful"),
    "sorrow": ("bittersweet", "lonely and quiet", "mournful"),
    "wry": ("wry and knowing", "amused with a sting", "quietly ironic"),
    "awe": ("full of wonder", "awed and still", "serene"),
    "dark": ("ominous", "cold and uneasy", "grim"),
}
