"""English for stories as data: what people do, in groups that tell a story planner what may happen before and after.

Verbs are in base form. A verb in no group is taken for one only by its ending and place; see `reader`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Deed(enum.StrEnum):
    """Kinds of things that happen in stories."""

    TRADE = "trade"
    GIVE = "give"
    STEAL = "steal"
    SEARCH = "search"
    FIND = "find"
    FIGHT = "fight"
    FLEE = "flee"
    CHASE = "chase"
    RESCUE = "rescue"
    TRAVEL = "travel"
    MAKE = "make"
    LEARN = "learn"
    MEET = "meet"
    LOVE = "love"
    TRICK = "trick"
    LOSE = "lose"
    CHANGE = "change"
    SPEAK = "speak"
    WATCH = "watch"
    COMPETE = "compete"
    DESTROY = "destroy"
    WORK = "work"
    PERFORM = "perform"
    OTHER = "other"


VERBS: Mapping[Deed, frozenset[str]] = {
    Deed.TRADE: _words("sell buy trade barter bargain purchase auction haggle pay lend rent swap exchange bid"),
    Deed.GIVE: _words("give offer deliver bring present donate send feed serve return reward grant mail lend"),
    Deed.STEAL: _words("steal rob snatch smuggle pickpocket kidnap loot burgle swipe plunder"),
    Deed.SEARCH: _words("search seek look explore investigate track scour hunt inspect examine follow-up dig solve"),
    Deed.FIND: _words("find discover uncover unearth spot notice stumble receive inherit open unlock reveal get "
                      "recover"),
    Deed.FIGHT: _words("fight attack battle defeat kill slay confront face duel strike hit shoot conquer wrestle "
                       "challenge defend beat punch resist overthrow outfight "
                       "ambush besiege stab slash parry joust"),
    Deed.FLEE: _words("escape flee hide evade retreat dodge"),
    Deed.CHASE: _words("chase pursue follow stalk"),
    Deed.RESCUE: _words("rescue save spare free protect heal cure help shelter guard comfort release nurse"),
    Deed.TRAVEL: _words("travel walk go ride sail fly climb cross journey come arrive leave run wander drive swim "
                        "march enter reach land hike ascend descend crawl wade paddle row roam set head visit depart "
                        "board move step stroll migrate jump leap float drift rise fall approach pass soar sneak creep "
                        "hurry rush race-off glide cycle jog gallop orbit dive ski surf skate rush slide venture "
                        "swoop prance slither scuttle scamper scurry tiptoe trudge saunter burrow breach dismount"),
    Deed.MAKE: _words("build make bake cook paint invent repair write plant carve sew knit create craft forge "
                      "construct draw compose fix mend brew design grow weave sculpt assemble rebuild restore brew "
                      "restore prepare mix stitch fold light cultivate "
                      "roast fry engrave doodle scribble chisel"),
    Deed.LEARN: _words("learn teach study practise practice train read train rehearse memorize translate decipher "
                       "decode"),
    Deed.MEET: _words("meet share befriend greet encounter join welcome invite adopt reunite gather"),
    Deed.LOVE: _words("love marry kiss hug embrace propose adore woo forgive cuddle"),
    Deed.TRICK: _words("trick deceive fool cheat outwit lie pretend disguise betray prank persuade convince tempt "
                       "outsmart bluff"),
    Deed.LOSE: _words("lose forget drop miss abandon misplace fail "
                      "surrender perish"),
    Deed.CHANGE: _words("turn become transform change wake awaken shrink vanish disappear appear bloom hatch melt "
                        "freeze emerge wither glow blossom swell "
                        "thaw evaporate condense"),
    Deed.SPEAK: _words("tell say ask confess sing whisper call shout explain announce argue beg promise warn reply "
                       "answer speak talk admit recite pray cry laugh shout yell thank complain "
                       "mumble mutter shriek bellow"),
    Deed.WATCH: _words("watch wait see stare listen wonder dream sleep think remember observe hear gaze imagine feel "
                       "smell taste notice believe realize decide hope fear know want need like enjoy sit stand lie "
                       "rest stay live remain "
                       "glare squint doze snore mourn grieve"),
    Deed.COMPETE: _words("race compete win score throw kick bet gamble tie cheer overtake outrun duel"),
    Deed.PERFORM: _words("play perform dance juggle sing drum strum act recite conduct"),
    Deed.DESTROY: _words("break destroy burn crash explode collapse sink flood shatter smash erupt storm wreck ruin "
                         "crush tear demolish bury "
                         "collide ignite extinguish"),
    Deed.WORK: _words("work clean sweep tend keep herd farm fish catch cut pull push carry lift hold pick put take "
                      "collect wash polish pour eat drink raise lower ring climb-down harvest milk water pack load "
                      "stack sort count measure guide lead drag roll hang place tie wrap shake press touch knock wave "
                      "grab reach close shut fill use operate steer pilot swing chop hammer drill type swallow grind "
                      "release fix shovel nail sharpen photograph film record deliver leash brush pet feed clutch hand "
                      "unroll unfold unwrap stir spread place set plug connect switch raise point step bow nod kneel "
                      "lean turn circle cover pull-up beckon trade wipe blow bite lick sniff scratch bark howl purr "
                      "repeat stiffen soften relax "
                      "crumple smoke taste measure gnaw nibble peck weep "
                      "growl roar settle gleam glint flare fray clear widen tighten loosen clench scatter swirl size "
                      "present stroll "
                      "stumble practise practice brush narrow trace hesitate pause tremble flow spill drip ripple "
                      "flutter "
                      "vibrate click tap tumble slump collapse-on lunge stagger glance peer grin smile gasp pant draw "
                      "inhale exhale whirl spin bounce bump splash spray sparkle shimmer flicker shine rustle creak "
                      "snarl hiss squawk whinny bleat gulp devour poke nudge shove haul tow hoist heave hurl clasp "
                      "grip wring scrub rinse prune reap plough salute caress tickle shudder quiver rejoice giggle "
                      "chuckle frown scowl blush sigh groan moan whistle sprawl calculate compare transmit "
                      "tease scold taunt clamber nestle meander dazzle grapple thrash waver"),
}
"""The first group that has a verb counts, in the order of `PRIORITY`."""

PRIORITY = (Deed.TRADE, Deed.STEAL, Deed.RESCUE, Deed.FIGHT, Deed.TRICK, Deed.LOVE, Deed.FLEE, Deed.CHASE, Deed.FIND,
            Deed.SEARCH, Deed.MAKE, Deed.LEARN, Deed.COMPETE, Deed.PERFORM, Deed.DESTROY, Deed.GIVE, Deed.LOSE,
            Deed.CHANGE,
            Deed.MEET, Deed.SPEAK, Deed.WORK, Deed.TRAVEL, Deed.WATCH)
DEED_OF: dict[str, Deed] = {}
for _deed in reversed(PRIORITY):
    for _verb in VERBS[_deed]:
        DEED_OF[_verb] = _deed
for _verb, _deed in (("lie", Deed.WATCH), ("return", Deed.TRAVEL), ("turn", Deed.CHANGE), ("look", Deed.WATCH),
                     ("face", Deed.FIGHT), ("challenge", Deed.COMPETE), ("notice", Deed.FIND), ("set", Deed.TRAVEL),
                     ("raise", Deed.WORK),
                     ("light", Deed.MAKE), ("storm", Deed.DESTROY), ("reach", Deed.TRAVEL), ("follow", Deed.CHASE)):
    DEED_OF[_verb] = _deed

STATES = _words("be have seem look stand sit lie remain stay live exist know want need like love hope fear "
                "believe own belong contain consist feel think wonder resemble")
"""Verbs that nobody can see done."""

WEIGHT: Mapping[Deed, float] = {
    Deed.TRADE: 3, Deed.STEAL: 3.4, Deed.RESCUE: 3.6, Deed.FIGHT: 3.6, Deed.TRICK: 3, Deed.LOVE: 2.8, Deed.FLEE: 3,
    Deed.CHASE: 2.8, Deed.FIND: 3, Deed.SEARCH: 2.2, Deed.MAKE: 2.6, Deed.LEARN: 2.2, Deed.COMPETE: 2.8,
    Deed.PERFORM: 2.6,
    Deed.DESTROY: 3.4, Deed.GIVE: 2.6, Deed.LOSE: 2.6, Deed.CHANGE: 3, Deed.MEET: 2.6, Deed.SPEAK: 1.6,
    Deed.WORK: 2, Deed.TRAVEL: 1.8, Deed.WATCH: 1, Deed.OTHER: 1.6}
"""How much a deed matters where a story has more of them than frames."""

PAST: Mapping[str, str] = {past: base for base, pasts in (pair.split(":") for pair in (
    "sell:sold buy:bought pay:paid lend:lent bid:bid give:gave,given bring:brought send:sent feed:fed "
    "steal:stole,stolen "
    "seek:sought dig:dug find:found get:got,gotten fight:fought slay:slew,slain strike:struck shoot:shot beat:beaten "
    "flee:fled hide:hid,hidden go:went,gone ride:rode,ridden fly:flew,flown come:came leave:left run:ran "
    "drive:drove,driven "
    "swim:swam,swum rise:rose,risen fall:fell,fallen creep:crept slide:slid build:built make:made write:wrote,written "
    "sew:sewn draw:drew,drawn grow:grew,grown weave:wove,woven teach:taught learn:learnt meet:met lose:lost "
    "forget:forgot,forgotten become:became wake:woke,woken awake:awoke shrink:shrank,shrunk freeze:froze,frozen "
    "begin:began,begun tell:told say:said sing:sang,sung speak:spoke,spoken see:saw,seen think:thought hear:heard "
    "feel:felt know:knew,known sit:sat stand:stood sleep:slept dream:dreamt win:won throw:threw,thrown "
    "break:broke,broken burn:burnt sink:sank,sunk tear:tore,torn sweep:swept keep:kept catch:caught hold:held "
    "take:took,taken eat:ate,eaten drink:drank,drunk ring:rang,rung hang:hung shake:shook,shaken "
    "swing:swung lead:led light:lit bite:bit,bitten blow:blew,blown stick:stuck spin:spun spring:sprang,sprung "
    "bend:bent kneel:knelt lay:laid choose:chose,chosen swear:swore,sworn bind:bound wind:wound grind:ground "
    "shine:shone leap:leapt spend:spent deal:dealt swell:swollen understand:understood overcome:overcame "
    "stand:stood wear:wore,worn cling:clung fling:flung sling:slung spill:spilt mistake:mistook withdraw:withdrew "
    "rebuild:rebuilt bleed:bled breed:bred speed:sped weep:wept mean:meant forgive:forgave,forgiven "
    "overthrow:overthrew stride:strode hurt:hurt cut:cut put:put set:set hit:hit let:let shut:shut read:read "
    "spread:spread bet:bet cost:cost burst:burst split:split quit:quit cast:cast "
    "outrun:outran undo:undid do:did,done have:had").split()) for past in pasts.split(",")}
"""Irregular past forms and participles to base forms."""

IRREGULAR_THIRD = {"be": "is", "have": "has", "do": "does", "go": "goes"}
PEOPLE = _words(
    "man woman boy girl child kid person people friend stranger traveler traveller merchant trickster thief king queen "
    "prince princess knight soldier warrior wizard witch sorcerer sorceress fairy elf dwarf giant ghost angel vampire "
    "pirate captain sailor fisherman fisherwoman farmer shepherd shepherdess hunter baker cook chef waiter waitress "
    "barista teacher student pupil professor scholar scientist inventor engineer mechanic doctor nurse surgeon patient "
    "artist painter sculptor musician violinist pianist singer dancer ballerina actor actress poet writer author "
    "storyteller photographer filmmaker journalist reporter detective inspector spy agent officer policeman "
    "policewoman guard prisoner judge lawyer politician president mayor minister priest monk nun pilgrim hermit nomad "
    "explorer adventurer archaeologist astronaut cosmonaut pilot driver rider cyclist runner athlete boxer swimmer "
    "surfer diver climber mountaineer hiker skier skater player goalkeeper coach magician juggler acrobat clown "
    "tailor seamstress cobbler shoemaker weaver potter blacksmith carpenter mason clockmaker watchmaker toymaker "
    "librarian gardener florist beekeeper butcher grocer shopkeeper vendor seller buyer customer banker clerk boss "
    "manager secretary accountant programmer hacker gamer firefighter fireman lifeguard paramedic rescuer ranger guide "
    "mother father mom dad parent grandmother grandfather grandma grandpa granddaughter grandson sister brother "
    "daughter son twin baby toddler teenager aunt uncle cousin wife husband bride groom widow widower orphan neighbor "
    "neighbour villager citizen servant maid butler slave emperor empress sultan shah lord lady duke duchess baron "
    "count jester bard minstrel beggar peasant miner lumberjack woodcutter ferryman postman mailman courier messenger "
    "keeper lighthouse-keeper conductor tourist visitor passenger crew team family couple villagers crowd gang band "
    "hero heroine villain rebel samurai ninja ronin viking gladiator cowboy sheriff outlaw bandit rival enemy "
    "opponent companion apprentice master mentor elder chief healer alchemist fortune-teller oracle god goddess "
    "narrator human survivor castaway refugee immigrant worker builder janitor cleaner diplomat general commander "
    "admiral cadet recruit veteran swordsman archer crowd genie mermaid siren owner lover lovers newlyweds collector "
    "assistant ambassador attendant lieutenant sergeant governor senator chemist biologist dentist pharmacist "
    "therapist counselor supervisor director editor translator operator puppeteer volunteer pioneer busker drummer "
    "guitarist rapper roommate classmate colleague "
    "partner killer murderer spirit suspect witness victim guardian landlord wanderer producer prey neighbour eldest "
    "youngest second chauffeur "
    "ferrywoman hitchhiker sleeper dreamer spy swindler conman hostage gambler dealer noble nobleman noblewoman "
    "wanderer "
    "trader candidate champion sorceress composer beginner contestant grandparents kids heir wrestler fighter")
FEMALE = _words(
    "woman girl queen princess witch sorceress fairy shepherdess waitress ballerina actress policewoman nun mother mom "
    "grandmother grandma granddaughter sister daughter aunt wife bride widow maid empress lady duchess heroine goddess "
    "mermaid siren seamstress hen cow mare lioness doe fisherwoman")
MALE = _words(
    "man boy king prince wizard sorcerer fisherman waiter policeman monk priest father dad grandfather grandpa "
    "grandson brother son uncle husband groom widower butler emperor sultan shah lord duke baron fireman postman "
    "mailman cowboy lumberjack god swordsman ferryman bull rooster stallion samurai knight ronin viking")
MACHINES = _words("robot android drone machine computer rover ai cyborg automaton droid")
ANIMALS = _words("dragon unicorn phoenix griffin monster beast creature alien dinosaur puppy kitten cub foal lamb pony "
                 "chick duckling fledgling raccoon crow raven owl bear seal bat ram")
FEELINGS = _words("murder accident mistake crime love hope fear courage joy peace trust faith truth freedom power "
                  "wisdom happiness justice time life "
                  "death luck magic war help revenge way home day night morning evening moment year week month hour "
                  "dawn dusk noon winter summer spring autumn thing something nothing everything anything lot kind "
                  "part rest end beginning middle side top bottom front back story world chance idea turn name word "
                  "words minute second times days years nights weeks months hours lesson reason plan secret business "
                  "chase fight hearing trick attack test shift bet victory concert championship marathon answer start "
                  "search journey "
                  "trip race feast match silence sound voice sleep dance song work "
                  "fortune fame memory problem news money attention control advice afternoon weekend midnight first "
                  "last breath skill everyone life's dream dreams past future age speed")
"""Nouns that are no things to draw."""

TIME_NOUNS = _words("day night morning evening afternoon dawn dusk noon midnight winter summer spring autumn week "
                    "month "
                    "year hour minute moment time season sunrise sunset weekend monday tuesday wednesday thursday "
                    "friday saturday sunday christmas birthday century days nights years weeks months hours minutes")

NOT_NOUNS = _words("overnight nearby ashore aboard overboard upstairs downstairs outdoors indoors away back home "
                   "there here together "
                   "alone again forever slowly quickly suddenly finally then soon "
                   "later now once never always often only just still even also too very almost")
CATENATIVE = _words("want try decide begin start hope need learn dream plan manage attempt refuse promise continue "
                    "fail "
                    "choose long wish struggle prepare agree love like struggle must can could will would should may "
                    "might have keep help let dare pretend swear offer threaten")
"""Verbs that another verb may follow: the story is about the other one."""

AUXILIARIES = _words("is are was were be been being am has have had do does did will would shall should can could may "
                     "might must cannot didn't doesn't don't isn't wasn't couldn't can't won't hasn't hadn't")
SUBJECTS = _words("he she it they i we you who someone somebody everyone everybody nobody one")
