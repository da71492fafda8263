"""English words as data for `facts` and `fidelity`: what is grammar, what is a colour, what means much the same.

Only words that prompts for pictures and videos are made of; everything is in lower case and in base form. A word in no
list is taken for a noun.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _groups(text: str) -> tuple[frozenset[str], ...]:
    return tuple(_words(line) for line in text.strip().splitlines() if line.strip())


DETERMINERS = _words("a an the this that these those some any each every another his her its their our my your all "
                     "both several many few various numerous whose which what either neither no")
PREPOSITIONS = _words(
    "in on at under over above below beneath behind beside besides between among amid amidst through across along "
    "around near inside outside into onto out off of from to toward towards with by for about against during before "
    "after until till since within upon via past up down beyond throughout underneath alongside atop next like as "
    "than per without except despite")
PRONOUNS = _words("i you he she it we they me him us them himself herself itself themselves myself yourself one ones "
                  "who whom someone somebody anyone everyone everybody something anything everything nothing there "
                  "here")
AUXILIARIES = _words("is are was were be been being am has have had having do does did doing will would shall should "
                     "can could may might must get gets getting got let lets cannot isn aren wasn weren don doesn "
                     "didn won")
CONJUNCTIONS = _words("and or but nor so yet while when where as if because then although though whereas how why "
                      "whether that")
ADVERBS = _words("very really quite too also just only even still again always often sometimes here there now then "
                 "soon away back forth together apart almost nearly slightly more most less least well far ahead once "
                 "twice ever maybe perhaps rather somewhat high low straight not never never-ending sideways")
GRAMMAR = DETERMINERS | PREPOSITIONS | PRONOUNS | AUXILIARIES | CONJUNCTIONS | ADVERBS | _words(
    "please s t re ll ve d m o etc vs eg ie yes")

VAGUE = _words(
    "scene shot video clip image picture photo photograph view footage film movie thing way kind type style "
    "background foreground moment front side part lot bit frame look sort piece example illustration depiction visual "
    "render beautiful nice amazing cool good great awesome epic stunning wonderful lovely gorgeous pretty perfect "
    "best better incredible fantastic interesting detailed detail realistic cinematic quality high-quality "
    "masterpiece create make generate show depict feature display portray present illustrate visualize capture "
    "include contain want need give take have be do go become seem appear prompt animation sequence composition "
    "explain explanation")
"""Words that say little: a rewriting may drop them."""

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
           "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
           "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
           "hundred": 100, "thousand": 1000, "single": 1, "lone": 1, "solitary": 1, "both": 2}
COUNTING_NOUNS = {"pair": 2, "couple": 2, "duo": 2, "trio": 3, "quartet": 4, "quintet": 5, "dozen": 12, "triplet": 3,
                  "twin": 2}

COLOUR_GROUPS = _groups("""
    red crimson scarlet ruby maroon burgundy vermilion cherry-red
    blue navy azure cobalt sapphire cerulean indigo ultramarine sky-blue
    green emerald lime olive jade mossy verdant
    yellow lemon mustard canary
    orange tangerine amber apricot
    purple violet lavender lilac magenta plum mauve
    pink rose-pink fuchsia salmon blush
    brown tan chestnut chocolate umber bronze-brown sepia-brown hazel auburn
    black jet-black ebony onyx obsidian
    white ivory snow-white alabaster cream
    gray grey slate charcoal ashen
    gold golden gilded
    silver silvery chrome
    teal turquoise cyan aqua aquamarine
    beige khaki sand-coloured
    blond blonde
    copper bronze
    rainbow multicolored multicoloured
""")
COLOURS = frozenset[str]().union(*COLOUR_GROUPS) - _words("rose salmon plum cream lemon olive charcoal slate ash")
BLENDS = _groups("""
    blue teal turquoise cyan aqua navy
    green teal turquoise aqua
    red burgundy copper auburn maroon pink magenta
    orange gold golden amber copper red
    yellow gold golden blond blonde amber cream beige
    gray grey silver silvery slate
    brown tan beige copper bronze auburn chestnut khaki
    white ivory cream silver
    purple pink magenta indigo
""")
"""Colours that may stand for one another's shade without being a different colour."""

ALSO_THINGS = _words("lavender violet orange gold silver copper bronze amber jade ruby emerald lime chocolate "
                     "chestnut lilac ivory ebony onyx sapphire coral rainbow indigo")

TIMES = {
    "dawn": "dawn sunrise daybreak first~light",
    "morning": "morning",
    "noon": "noon midday",
    "day": "daytime daylight day~time sunlit sunlight sunny sunshine sunbeam sunbeams daylit broad~daylight",
    "afternoon": "afternoon",
    "golden_hour": "golden~hour magic~hour",
    "sunset": "sunset sundown setting~sun",
    "evening": "evening",
    "dusk": "dusk twilight blue~hour gloaming nightfall",
    "night": "night nighttime night-time midnight moonlit moonlight moonlight starlit starlight starry nocturnal "
             "nights",
}
TIME_FITS = {
    "dawn": "dawn morning golden_hour day",
    "morning": "morning dawn day golden_hour",
    "noon": "noon day",
    "day": "day morning noon afternoon golden_hour sunset dawn evening",
    "afternoon": "afternoon day golden_hour sunset",
    "golden_hour": "golden_hour sunset dawn morning afternoon evening day",
    "sunset": "sunset golden_hour evening dusk day afternoon",
    "evening": "evening sunset dusk night golden_hour day",
    "dusk": "dusk sunset evening night",
    "night": "night evening dusk",
}
WEATHER = {
    "rain": "rain raining rains rainy rained downpour drizzle drizzling raindrop raindrops rainfall rain-soaked "
            "rainstorm",
    "snow": "snow snowing snows snowy snowfall blizzard snowflake snowflakes snowstorm snow-covered",
    "fog": "fog foggy mist misty haze hazy",
    "storm": "storm stormy thunderstorm lightning thunder tempest hurricane thunderous tornado",
    "wind": "wind windy breeze breezy gust gusts windswept",
    "dust": "sandstorm dusty duststorm",
    "clear": "cloudless clear~sky clear~skies blue~sky blue~skies sunny sunshine sunlit",
    "cloud": "overcast cloudy clouds",
}
WEATHER_CLASHES = {
    "rain": "clear snow dust",
    "snow": "clear rain dust",
    "storm": "clear",
    "fog": "",
    "wind": "",
    "dust": "rain snow",
    "clear": "rain snow storm cloud",
    "cloud": "clear",
}

PLACES = {
    "indoor": "room kitchen bedroom bathroom office classroom studio library museum cafe café restaurant bar hall "
              "hallway corridor lab laboratory hospital church cathedral temple theater theatre gym workshop garage "
              "warehouse factory shop store basement attic elevator subway indoors indoor interior fireplace desk "
              "bakery bookshop bookstore aquarium cockpit greenhouse cellar supermarket",
    "outdoor": "forest wood woods street road beach field meadow garden park mountain mountains hill valley desert "
               "river lake ocean sea sky city town village farm jungle savanna savannah cliff canyon island harbor "
               "harbour port bridge highway rooftop roof playground stadium outdoors outdoor grass lawn snow coast "
               "shore pond waterfall market alley square path trail orchard vineyard plain prairie tundra glacier "
               "volcano swamp marsh countryside pier dock deck balcony hilltop cliffside summit ridge creek brook bay "
               "lagoon delta plaza campsite campfire tent airfield lighthouse alps porch fence outside horizon aurora "
               "backyard yard racetrack runway skyline rain sun moon cloud clouds tree trees dune dunes",
    "underwater": "underwater undersea seabed reef coral deep-sea submarine scuba jellyfish diver",
    "space": "space orbit planet galaxy nebula asteroid spaceship spacecraft spacewalk astronaut mars moon lunar "
             "universe cosmos rover comet iss satellite supernova",
}

STYLES = {
    "watercolor": "watercolor~painting watercolour~painting watercolor watercolour aquarelle",
    "oil": "oil~painting impressionist impasto impressionism",
    "painting": "gouache acrylic~painting ink~wash ukiyo-e fresco painterly digital~painting",
    "sketch": "pencil~drawing pencil~sketch charcoal~drawing line~art line~drawing sketch hand-drawn doodle woodcut "
              "pencil-sketch",
    "anime": "anime manga ghibli cel-shaded cel~shaded",
    "cartoon": "cartoon cartoonish toon",
    "comic": "comic comic-book comic~book graphic~novel",
    "pixel": "pixel~art 8-bit 16-bit pixel-art voxel",
    "clay": "claymation stop-motion stop~motion plasticine clay~animation",
    "3d": "3d~render 3d~animation pixar cgi low-poly low~poly isometric 3d~animated",
    "flat": "flat~vector vector~art infographic diagram vector~illustration flat~design whiteboard blueprint "
            "schematic flat~illustration vector~graphics motion~graphics",
    "paper": "papercut paper-cut origami paper~cutout paper~cut-out",
    "photo": "photorealistic photo-realistic photorealism photograph documentary hyperrealistic live-action photo",
    "bw": "black~and~white black-and-white monochrome monochromatic greyscale grayscale b&w noir film~noir",
    "vintage": "sepia vintage~film super~8 16mm vhs retro~film 8mm",
}
STYLE_FAMILIES = _groups("""
    watercolor painting oil sketch
    oil painting
    anime cartoon comic 3d
    comic sketch
    3d clay pixel cartoon
    clay paper
    flat cartoon sketch paper 3d
    paper watercolor
    photo vintage
""")
MEDIA = _words("watercolor oil painting sketch anime cartoon comic pixel clay 3d flat paper")
"""Styles that are not photographs; each pair that is in no family together clashes."""

_MOVES = (r"(?:pans?|tilts?|orbits?|zooms?|tracks?|follows?|glides?|rises?|circles?|pushes|pulls|moves|dollies|"
          r"cranes?|flies)")
CAMERA = {
    "static": r"(?:no|without|zero) camera (?:movement|motion|moves?)|static (?:camera|shot)|locked-off|locked camera|"
              r"fixed camera|tripod|still camera|stationary camera|motionless camera|camera (?:does not|doesn't|"
              r"never) moves?|camera (?:is|stays|remains|holds) (?:static|still|fixed)",
    "moving": r"(?:tracking|panning|dolly|zoom|orbit(?:ing)?|crane|pan|tilt|truck(?:ing)?|arc|drone|push-in|pull-back|"
              r"follow) (?:shot|move|in|out)|slow (?:pan|zoom|dolly|push-in|tilt|orbit)|zoom(?:s|ing)? (?:in|out)|"
              r"whip pan|handheld|steadicam|fly-through|flythrough|fpv|push-in|pull-back|camera (?:\w+ly )?" + _MOVES +
              r"|(?:moving|gliding|circling|orbiting|tracking|following|handheld) camera",
    "wide": r"wide(?:-angle)? (?:shot|view|angle|framing)|establishing shot|panoram\w+|long shot|wide-angle",
    "close": r"close-?\s?ups?|macro(?: shot)?|extreme close",
    "medium": r"(?:medium|mid)(?:-|\s)shot|waist-up|medium close",
    "aerial": r"aerial|drone (?:shot|view|footage)|bird'?s[- ]eye|overhead (?:shot|view)|top-down",
    "low": r"low[- ]angle|worm'?s[- ]eye", "pov": r"\bpov\b|first-person|point of view",
    "slow": r"slow[- ]motion|slow-?mo|(?:120|240) fps", "fast": r"time[- ]?lapse|hyperlapse|fast-forward|sped-up",
    "lens": r"bokeh|(?:shallow )?depth of field|anamorphic|fish-?eye|telephoto|\d+ ?mm\b",
    "lighting": r"lighting|backlit|backlight|rim light|spotlight|candle-?li\w+|neon lights?|softbox|volumetric|"
                r"chiaroscuro",
}
"""Patterns of camera words, by what they say."""

PEOPLE_MALE = _words("man men boy gentleman guy father dad grandfather son brother husband king prince uncle grandpa "
                     "lad groom businessman fisherman policeman fireman cowboy waiter monk he him his")
PEOPLE_FEMALE = _words("woman lady girl mother mom grandmother daughter sister wife queen princess aunt grandma "
                       "bride businesswoman waitress nun ballerina actress she her hers geisha")
PEOPLE_YOUNG = _words("child kid boy girl baby toddler infant teenager teen schoolboy schoolgirl pupil")
PEOPLE = PEOPLE_MALE | PEOPLE_FEMALE | PEOPLE_YOUNG | _words(
    "person people human figure crowd family friend couple someone somebody passerby pedestrian worker doctor teacher "
    "student scientist soldier knight warrior samurai ninja wizard witch astronaut pilot chef cook baker dancer "
    "singer musician pianist violinist guitarist drummer artist painter player athlete runner swimmer surfer skater "
    "skier cyclist rider driver sailor pirate farmer engineer nurse detective monk audience spectator tourist "
    "traveler traveller hiker climber diver model portrait clown magician blacksmith carpenter professor lecturer "
    "politician bystander onlooker shopper commuter patient customer villager hero heroine viking gladiator hunter "
    "fighter boxer wrestler firefighter policewoman officer guard librarian barista mechanic photographer speaker "
    "presenter conductor actor performer acrobat skateboarder snowboarder gymnast goalkeeper footballer potter tailor "
    "weaver elder silhouette stranger twin neighbor neighbour merchant vendor shepherd gardener astronomer "
    "mathematician philosopher adult senior they them we you i team orchestra band choir army everyone everybody "
    "anyone lover newlywed")
IMPLY_PEOPLE = _words(
    "wedding concert party festival parade match game football soccer basketball tennis class classroom lecture "
    "lesson meeting battle war dance ballet opera crowd crowded bustling busy market rush protest ceremony procession "
    "race marathon face hand hands eye eyes hair smile portrait selfie fashion yoga workout gym interview "
    "conversation conference stage rehearsal surgery hug kiss handshake handshaking tango waltz picnic restaurant "
    "cafe café bar school hospital stadium playground carnival populated inhabited civilization army life daily "
    "history tribe village surf surfing skating skiing cycling fencing boxing society crosswalk traveller tourism "
    "selfie arm finger foot fingers lips beard")
ANIMAL_GROUPS = _groups("""
    dog puppy hound retriever husky terrier poodle corgi bulldog dachshund labrador collie beagle pup canine
    cat kitten tabby feline kitty
    bird sparrow eagle hawk falcon owl parrot crow raven pigeon dove seagull gull swan penguin hummingbird
    bird heron flamingo peacock stork toucan ostrich cockatoo
    duck duckling mallard goose
    chicken hen rooster chick
    horse pony stallion mare foal colt
    cow bull calf cattle ox buffalo bison
    sheep lamb ram
    goat
    pig piglet boar
    fish salmon-fish trout goldfish koi clownfish tuna shoal carp
    shark
    whale orca humpback
    dolphin
    lion lioness
    tiger
    leopard cheetah jaguar panther
    bear grizzly polar-bear cub
    panda
    wolf coyote
    fox
    deer stag fawn doe elk moose reindeer
    rabbit bunny hare
    mouse mice rat hamster squirrel chipmunk
    elephant
    giraffe
    zebra
    monkey ape gorilla chimpanzee orangutan
    snake serpent python-snake cobra
    lizard gecko chameleon iguana
    crocodile alligator
    turtle tortoise
    frog toad
    butterfly moth
    bee bumblebee wasp hornet
    ant
    spider tarantula
    dragonfly firefly beetle ladybug fly insect
    octopus squid
    jellyfish
    crab lobster
    snail slug
    dinosaur t-rex tyrannosaurus velociraptor
    camel
    kangaroo koala
    seal walrus otter
    bat
    hedgehog porcupine
    bird macaw vulture condor magpie woodpecker puffin pelican albatross swallow kingfisher
    raccoon badger skunk ferret weasel beaver
    rhino rhinoceros
    hippo hippopotamus
    antelope gazelle wildebeest
    llama alpaca
    donkey mule
    sloth
    lemur
    hyena jackal
    puma cougar lynx bobcat
    salamander newt
    starfish
    seahorse
    stingray manta
    eel
    scorpion
    worm earthworm caterpillar
    dragon
    unicorn
""")
ANIMALS = frozenset[str]().union(*ANIMAL_GROUPS) - _words("bat fly ram chick seal bear robin") | _words(
    "animal creature pet wildlife beast herd flock livestock bear seal")
ANIMAL_GENERAL = _words("animal creature pet wildlife beast herd flock livestock bird fish insect safari zoo")

NEGATORS = _words("no not without never none nobody nothing neither nor cannot")
NEGATED_SCOPE = {
    "people": "person people human figure crowd man woman child pedestrian someone anyone anybody humans passerby "
              "tourist onlooker",
    "car": "car vehicle traffic truck sedan suv automobile bus",
    "text": "text letter lettering word caption subtitle writing watermark",
    "cloud": "cloud overcast",
    "rain": "rain downpour drizzle",
    "snow": "snow snowfall blizzard",
    "animal": "animal creature wildlife",
    "tree": "tree leaf foliage forest",
    "music": "music",
    "building": "building house tower skyscraper",
    "camera movement": "dolly pan tracking zoom orbit",
}
EMPTY_OF_PEOPLE = _words("empty deserted uninhabited unpopulated abandoned lifeless unpeopled")

DIRECTIONS = _words("left right clockwise counterclockwise anticlockwise upward upwards downward downwards forward "
                    "forwards backward backwards north south east west")
WAYS = {
    "up": "up", "upward": "up", "upwards": "up", "uphill": "up", "down": "down", "downward": "down",
    "downwards": "down", "downhill": "down", "toward": "to", "towards": "to", "away": "from", "into": "in",
    "out": "out", "forward": "ahead", "forwards": "ahead", "backward": "back", "backwards": "back",
}
OPPOSITE_WAYS = frozenset({("up", "down"), ("to", "from"), ("in", "out"), ("ahead", "back")})
PLACE_CLASHES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (_words("on over above atop onto"), _words("under below beneath underneath")),
    (_words("inside"), _words("outside")),
    (_words("behind"), _words("before front")),
)

ADJECTIVES = _words(
    "old young new small big large tiny huge tall short long wide narrow thick thin fat slim round square flat deep "
    "shallow soft hard hot cold warm cool wet dry fast quick slow loud quiet bright dark light heavy strong weak rich "
    "poor clean dirty full empty open closed broken happy sad angry calm lonely brave proud wild tame ancient modern "
    "vintage antique retro futuristic medieval rusty shiny glowing wooden metallic metal stone glass golden silver "
    "crystal steel plastic paper neon electric giant miniature little massive enormous gigantic fluffy furry smooth "
    "rough sharp blunt curved bent straight steep gentle fierce busy crowded bustling peaceful serene tranquil "
    "mysterious magical mythical abandoned ruined frozen snowy rainy foggy misty sunny cloudy windy stormy dusty "
    "sandy muddy grassy rocky mossy leafy elegant stylish colorful colourful vivid pale dim transparent translucent "
    "liquid solid hollow abstract geometric organic digital virtual surreal dreamy gothic victorian baroque rustic "
    "urban rural tropical arctic polar alpine cosmic stellar solar lunar quantum nuclear chemical biological human "
    "robotic mechanical wise curious sleepy tired playful naughty clever elderly middle-aged teenage adult blind bald "
    "bearded handsome cute adorable scary spooky creepy haunted grand royal noble humble simple complex intricate "
    "delicate fragile vast endless infinite distant remote hidden secret lost sacred holy fresh ripe raw sweet sour "
    "bitter delicious tasty hungry thirsty naked barefoot masked hooded cloaked injured dead alive living floating "
    "flying burning melting spinning rotating falling rising sinking running walking dancing singing sleeping smiling "
    "crying laughing jumping african asian european american japanese chinese indian french italian english british "
    "german spanish mexican egyptian roman greek russian korean thai turkish arabic persian norse celtic viking "
    "cyberpunk steampunk")
ADJECTIVE_ENDINGS = ("ful", "ous", "ive", "less", "ish", "ic", "ical", "able", "ible", "esque", "like", "ern")

VERBS = _words(
    "walk run jump leap hop skip dance sing play fly swim dive climb crawl slide roll bounce spin rotate turn twist "
    "fall drop rise float drift glide sail row drive ride race chase follow lead push pull lift carry throw toss "
    "catch hold grab hit kick punch fight attack defend shoot fire explode burst burn melt freeze boil cook bake eat "
    "drink sip bite chew lick smell sniff taste look watch stare gaze see read write draw paint sketch build "
    "construct repair fix break crash smash shatter crack tear cut chop slice stir pour fill spill splash spray wash "
    "clean sweep wipe dry wear dress open close shut lock knock ring enter leave arrive depart travel wander stroll "
    "march jog sprint gallop trot stand sit lie kneel bow lean rest sleep wake dream breathe blink wink smile laugh "
    "grin cry weep sob shout scream whisper talk speak tell ask answer listen hear call wave point nod shake hug "
    "embrace kiss greet meet gather assemble work study learn teach explain demonstrate solve think ponder wonder "
    "discover explore search seek find hide grow bloom blossom wither sprout plant harvest pick dig bury feed graze "
    "hunt stalk pounce bark meow roar howl growl purr chirp buzz flutter flap soar hover perch land launch lift-off "
    "take-off orbit circle flow stream pour drip leak ripple surge churn swirl whirl sway swing rock tremble shiver "
    "vibrate pulse glow shine sparkle glitter glimmer shimmer flicker flash blaze illuminate light reflect cast fade "
    "dissolve vanish disappear emerge approach pass cross reach stretch bend fold unfold unwrap wrap tie untie knit "
    "sew weave spin carve sculpt mold shape forge hammer weld drill saw type click scroll juggle balance skate ski "
    "surf snowboard skateboard cycle pedal paddle train exercise meditate pray celebrate cheer clap applaud perform "
    "rehearse practice compete win lose score converge diverge descend ascend move shift change transform morph "
    "evolve merge split divide multiply grow shrink expand contract compress collapse erupt overflow flood drown sink "
    "surface submerge scatter spread gather stack pile arrange sort organize serve deliver bring send receive buy "
    "sell trade pay count measure weigh mix blend tumble stumble trip slip fall skid brake accelerate speed hurry "
    "rush escape flee chase capture rescue save protect guard patrol inspect examine observe investigate operate "
    "control steer pilot navigate charge connect attach press touch stroke pet cuddle nuzzle groom brush comb shave "
    "blow inflate deflate pop puff smoke steam rain snow drizzle depict show reveal display hang dangle lay stay wait "
    "remain keep continue begin start stop end finish strum hum peel squeeze grind knead sprinkle whisk hatch migrate "
    "swarm crouch squat lurk prowl peek peer glance rotate tilt unveil raise lower sneeze yawn sit surround cover rub "
    "scratch skim trickle cascade crumble topple tower loom overtake drum sculpt pirouette twirl sharpen solder "
    "assemble dock refuel scan attend unroll orbit propagate classify")
NOT_VERBS_AS_NOUNS = _words(
    "light rock land train ring fire park plant water wave point saw drum row surface tower bow tear cast paint smoke "
    "steam rain snow stream circle orbit shape type end start score shot turn bend top place stage spring cover cut "
    "change brush comb drill hammer saw speed pilot guard control charge press pet pop cycle practice pass cross lead "
    "lie call work pick dress study sail play drop fall rise ripple swing fold rest dream look trip slip lock knock "
    "race balance crack touch flash glow sketch")
"""Verbs that are as often nouns; after a noun they count as verbs only in the forms -ing and -ed."""
NOUNS_IN_ING = _words("building ceiling morning evening clothing king ring string wing spring thing lightning sling "
                      "wedding railing painting drawing lighting wing duckling sapling being setting opening crossing "
                      "ping gosling fling bling awning stocking pudding")

NOUNS_IN_LY = _words("family butterfly dragonfly firefly belly jelly lily assembly bully gully trolley")
COLLECTIVES = _words("group pack herd flock crowd row line set bunch team family field school swarm series number pile "
                     "stack")
ABBREVIATIONS = _words("pov fpv cgi hd uhd vhs hdr fps")

IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse", "geese": "goose",
    "feet": "foot", "teeth": "tooth", "wolves": "wolf", "leaves": "leaf", "knives": "knife", "wives": "wife",
    "lives": "life", "shelves": "shelf", "loaves": "loaf", "halves": "half", "calves": "calf", "oxen": "ox",
    "ran": "run", "flew": "fly", "flown": "fly", "swam": "swim", "swum": "swim", "sang": "sing", "sung": "sing",
    "sat": "sit", "stood": "stand", "lay": "lie", "lying": "lie", "lain": "lie", "fell": "fall", "fallen": "fall",
    "rose": "rise", "risen": "rise", "drove": "drive", "driven": "drive", "rode": "ride", "ridden": "ride",
    "ate": "eat", "eaten": "eat", "drank": "drink", "drunk": "drink", "drew": "draw", "drawn": "draw", "grew": "grow",
    "grown": "grow", "threw": "throw", "thrown": "throw", "caught": "catch", "held": "hold", "broke": "break",
    "broken": "break", "froze": "freeze", "frozen": "freeze", "wore": "wear", "worn": "wear", "wrote": "write",
    "written": "write", "built": "build", "slept": "sleep", "swept": "sweep", "spoke": "speak", "spoken": "speak",
    "told": "tell", "taught": "teach", "thought": "think", "found": "find", "hid": "hide", "hidden": "hide",
    "fought": "fight", "shot": "shoot", "shone": "shine", "lit": "light", "led": "lead", "left": "left", "met": "meet",
    "blew": "blow", "blown": "blow", "swung": "swing", "hung": "hang", "dug": "dig", "spun": "spin", "sank": "sink",
    "sunk": "sink", "sunken": "sink", "began": "begin", "begun": "begin", "woke": "wake", "knelt": "kneel",
    "bent": "bend", "fed": "feed", "fled": "flee", "bought": "buy", "sold": "sell", "won": "win", "lost": "lose",
    "saw": "saw", "seen": "see", "went": "go", "gone": "go", "made": "make", "took": "take", "came": "come",
    "leapt": "leap", "burnt": "burn", "shook": "shake", "tore": "tear", "torn": "tear", "wove": "weave",
    "woven": "weave", "sprang": "spring", "dying": "die", "tying": "tie", "dove": "dove", "fuller": "full",
    "phenomena": "phenomenon", "criteria": "criterion", "cacti": "cactus", "fungi": "fungus", "nuclei": "nucleus",
    "bacteria": "bacterium", "mitochondria": "mitochondrion", "matrices": "matrix", "vertices": "vertex",
    "dice": "die", "series": "series", "species": "species", "physics": "physics", "glasses": "glasses",
    "bus": "bus", "lens": "lens", "gas": "gas", "mathematics": "mathematics", "news": "news", "always": "always",
    "paris": "paris", "mars": "mars", "venus": "venus", "canvas": "canvas", "atlas": "atlas", "chaos": "chaos",
    "this": "this", "is": "be", "are": "be", "was": "be", "does": "do", "has": "have", "clothes": "clothes",
    "scissors": "scissors", "trousers": "trousers", "tennis": "tennis", "iris": "iris", "christmas": "christmas",
}

SAME = _groups("""
    say read spell
    clay claymation plasticine
    man gentleman guy male
    woman lady female
    child kid youngster
    boy lad
    girl lass
    baby infant newborn toddler
    person people human individual figure someone
    old aged elderly ancient vintage antique weathered senior classic retro
    young youthful
    small little tiny miniature petite wee diminutive
    big large huge giant massive enormous gigantic great immense colossal towering
    tall towering high lofty
    fast quick rapid swift speedy quickly rapidly swiftly
    slow slowly gradual gradually leisurely gentle gently unhurried
    happy joyful cheerful delighted joyous smiling happily
    sad sorrowful melancholy melancholic mournful unhappy sadly
    angry furious enraged irate
    calm peaceful serene tranquil still quiet placid calmly peacefully quietly
    bright brilliant radiant luminous glowing vivid brightly
    dark dim shadowy dimly murky gloomy darkened
    busy bustling crowded hectic
    empty deserted vacant abandoned desolate
    shiny gleaming polished glossy shining glistening lustrous
    rusty rusted corroded
    wet soaked drenched rain-soaked damp slick rain-slick
    cold icy chilly frosty freezing frigid
    hot scorching sweltering
    fluffy furry fuzzy
    strange weird odd bizarre peculiar
    scary frightening spooky eerie creepy terrifying
    cute adorable
    colorful colourful multicolored multicoloured vibrant
    wooden wood timber
    metal metallic steel
    glow shine gleam glimmer shimmer glisten sparkle twinkle glitter illuminate radiate
    walk stroll stride pace wander saunter amble march tread trek
    run sprint dash race jog bolt dart
    jump leap hop bound spring vault
    bounce rebound
    fly soar glide hover flutter
    swim paddle
    drive cruise speed motor travel roll race
    ride pedal cycle
    sit perch rest settle seat
    stand pose
    lie recline lounge sprawl rest
    look gaze stare watch peer glance observe view see
    eat munch devour chew nibble dine feast
    drink sip gulp
    talk speak chat converse discuss chatter
    shout yell scream cry
    smile grin beam
    laugh giggle chuckle
    cry weep sob
    hold grasp grip clutch carry cradle
    throw toss hurl fling pitch
    catch grab snatch
    hit strike punch
    fight battle duel brawl combat
    explode burst erupt detonate
    explosion blast eruption
    burn blaze flame
    fall drop tumble plunge descend drift
    rise ascend climb lift
    climb scale ascend
    spin rotate revolve turn whirl twirl swirl pirouette
    roll tumble
    flow stream run cascade pour
    float drift hover bob
    chase pursue
    hug embrace cuddle
    build construct assemble erect
    fix repair mend
    make craft create produce
    paint brushstroke
    read peruse
    write scribble pen
    cook prepare fry
    open unlock
    close shut
    enter arrive
    sleep nap slumber doze asleep snooze
    bloom blossom flower unfurl
    grow sprout
    start begin
    stop halt
    show reveal display
    move shift travel
    crash collide smash slam
    collision crash
    cross traverse
    car automobile sedan coupe vehicle hatchback roadster convertible
    truck lorry pickup
    bike bicycle
    motorcycle motorbike
    boat ship vessel sailboat yacht rowboat dinghy
    ship vessel galleon
    plane airplane aeroplane aircraft jet
    spaceship spacecraft starship
    train locomotive
    house home cottage
    building skyscraper tower edifice
    tower skyscraper
    street road avenue boulevard lane
    path trail track
    forest wood woods woodland
    jungle rainforest
    beach shore seashore coast shoreline seaside coastline
    sea ocean
    river stream brook
    lake pond
    mountain peak summit
    hill hillside
    field meadow pasture
    grass lawn turf
    garden yard
    city metropolis town cityscape urban
    town village
    rock stone boulder
    sand dune
    tree oak pine birch maple willow
    flower blossom bloom petal rose tulip daisy
    leaf foliage
    sofa couch
    rug carpet
    cup mug
    robot android droid automaton
    monster beast creature
    ghost spirit phantom
    wizard sorcerer mage
    knight warrior
    soldier trooper
    doctor physician
    chef cook
    teacher instructor professor
    student pupil learner
    kid child
    mother mom mum
    father dad
    friend companion buddy
    crowd throng mass
    ball sphere orb
    sphere orb globe ball
    cube box block
    stair step staircase
    picture painting portrait
    fire flame blaze campfire bonfire
    smoke fume
    light glow illumination lamp
    cloud
    puddle pool
    hat cap
    coat jacket overcoat
    dress gown
    shoe boot sneaker
    dog puppy hound pup canine retriever husky terrier poodle corgi labrador collie beagle
    cat kitten feline tabby kitty
    horse stallion mare pony
    bird sparrow eagle hawk falcon owl parrot crow raven pigeon dove seagull gull
    fish goldfish koi
    rabbit bunny hare
    cow cattle
    chicken hen
    rain raindrop downpour rainfall drizzle shower rainy
    snow snowflake snowfall snowy
    fog mist haze foggy misty
    storm thunderstorm tempest stormy
    wind breeze gust windy
    sun sunlight sunshine
    moon moonlight
    night nighttime nocturnal midnight
    sunrise dawn daybreak
    sunset sundown dusk
    morning dawn
    evening dusk
    side lateral
    idea concept notion
    diagram chart schematic
    graph chart plot
    cell cellular
    brain cerebral
    computer laptop pc
    screen monitor display
    phone smartphone
    photo photograph
    music melody song
    fast-paced rapid
    futuristic sci-fi
    surface top
    edge rim brink
    top summit
    window pane
    door doorway
    room chamber
    table desk tabletop
    store shop
    cafe café coffeehouse
    food meal dish
    gradient slope
    minimum lowest
    slide glide
    wave billow swell
    lightning bolt
    sword blade
    rocket
    planet world
    earth planet world globe
    star stellar
    swing sway
    wave ripple
    pet stroke
    work labor labour toil
    dance twirl sway waltz
    play frolic
    hide conceal
    race compete
    pour decant
    steam vapor vapour
    shake tremble quiver
    surf ride
    tie knot
    lead guide
    lone single solitary alone one
    pair couple duo two
    wing pinion
    fluffy soft
    dress wear clad don
    wear don sport dress clad
    hand palm
    face visage
""")

SUFFIXES = ("", "s", "es", "ed", "ing", "er", "or", "ion", "tion", "ation", "ful", "ous", "y", "ly", "al", "ness",
            "ment",
            "en", "ist", "ity", "ive", "ic", "ant", "ent", "ance", "ence", "able", "e", "ical", "ary", "ise", "ize",
            "ier", "ily", "n", "ian", "ed", "sion", "sive", "ive", "ically", "less", "t", "ting", "ar", "ering", "de")

IDIOMS = (
    "golden gate", "golden ratio", "midnight blue", "night vision", "night club", "nightclub",
    "bird's-eye view", "bird's eye view", "birds-eye view", "worm's-eye view", "worm's eye view", "fish-eye", "fisheye",
    "dutch angle", "three-point lighting", "two-point perspective", "one-point perspective", "rule of thirds",
          "two-shot",
    "at eye level", "eye-level", "eye level", "human eye", "camera operator", "cowboy shot", "hero shot", "hero frame",
    "blue hour", "golden hour", "magic hour", "rose gold", "film stock", "cat's eye", "catchlight", "man-made",
    "orange and teal", "teal and orange", "teal-and-orange", "human-scale", "snow white", "snow globe", "rain forest",
          "rain coat", "wind turbine", "wind turbines", "wind farm",
    "wind chime", "wind chimes", "storm trooper", "dust motes", "night owl", "orange juice", "white wine", "red wine",
    "green tea", "black hole", "black holes", "brown dwarf", "white dwarf", "red giant", "white house", "red cross",
    "teddy bear", "hot dog", "rubber duck", "paper crane", "dragon fruit", "computer mouse", "cat ears",
          "butterfly effect",
    "butterfly stroke", "zebra crossing", "monkey wrench", "lion dance", "whiteboard", "blackboard", "snowman",
    "cloud computing", "light year", "light years",
    "storm of", "once in a blue moon",
    "three-dimensional", "two-dimensional", "one by one", "one another", "each other", "one side", "at once",
    "three-quarter", "one continuous", "single take", "single continuous", "single unbroken", "red komodo",
          "red camera",
    "arri alexa", "helios 44", "night-time", "starry-eyed", "black levels", "deep blacks", "clean whites", "no one",
    "black pro-mist", "pro-mist", "gold reflector", "silver reflector", "silver halide", "black bars",
)
"""Phrases whose words do not mean what they usually mean; they are looked at as wholes."""

STOPWORDS = {
    "en": _words("the a an of and in on with at is are to from for by as its his her their that this over under into "
                 "while through slowly up down no not two three near across around during"),
    "de": _words("der die das ein eine einen einem und im am mit auf ist sind den dem des von zu über unter nicht kein "
                 "keine durch beim zum zur wie sich bei"),
    "fr": _words("le la les un une des et dans sur avec est sont du de au aux sous pas sans par pour en qui que il "
                 "elle"),
    "es": _words("el la los las un una y en con es son del de al por para sin sobre bajo no que se su mientras"),
    "it": _words("il lo la gli le un una e in con è sono del della di nel nella sul sulla per senza sotto che si"),
    "pt": _words("o a os as um uma e em com é são do da de no na por para sem sob que se ao"),
    "nl": _words("de het een en in op met is zijn van naar niet geen onder over door bij die dat"),
}

NAMED_KINDS = ("golden retriever", "snow leopard", "polar bear", "great white shark", "black bear", "brown bear",
               "red panda",
               "blue whale", "red fox", "arctic fox", "gray wolf", "grey wolf", "red kite", "snow goose", "blue jay",
               "sand cat")
"""Kinds whose first words are part of the name: the last word still means what it says."""

OPPOSITES = tuple((one, other) for one, other in (pair.split("/") for pair in (
    "open/close rise/fall enter/leave push/pull smile/frown laugh/cry ascend/descend appear/disappear grow/shrink "
    "converge/diverge expand/contract freeze/melt approach/retreat accelerate/brake old/young big/small large/small "
    "huge/tiny tall/short new/old empty/crowded empty/full wet/dry hot/cold warm/cold happy/sad clean/dirty "
    "bright/dark fast/slow quickly/slowly loud/quiet heavy/light strong/weak rich/poor thick/thin wide/narrow "
    "alive/dead modern/ancient minimum/maximum left/right up/down above/below inside/outside indoors/outdoors "
    "smooth/rough broken/intact sit/stand sleep/wake love/hate build/destroy").split()))
MAY_HOLD_ANIMALS = _words("zoo safari farm aquarium circus stable barn reef ark wildlife menagerie pasture hive nest "
                          "kennel petting")
NOT_SURELY_PEOPLE = _words("silhouette hero model portrait senior adult elder speaker conductor player host pilot "
                           "diver cook guard band army team orchestra choir potter driver twin human star merchant "
                           "runner lover he she him his her hers they them we you i everyone everybody anyone "
                           "painting painter artist photographer audience spectator")
