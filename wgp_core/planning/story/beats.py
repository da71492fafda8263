"""What may happen before and after a deed, as sentences to fill: the in-between scenes that a short story leaves out.

One line a beat: phase, weight, shots, conditions, then the sentence. {A} acts, {B} is the other one, {O} the thing;
<walk> is a verb of {A}, <B:walk> of {B}, <O:walk> of {O}; {A's} and {his} say whose. A beat is used only where the
story has what it names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .shots import Shot
from .words import Deed

PHASES = ("open", "prepare", "meet", "try", "doubt", "turn", "deed", "after", "close")
"""In the order of a story: opening; development (prepare, meet, try); turn (doubt, turn); climax; close (after,
close)."""
CRAFTS = frozenset("bake cook brew plant grow cultivate write paint draw compose design".split())
BEFORE, AFTER = PHASES[:6], PHASES[7:]
_SHOTS: Mapping[str, Shot] = {
    "E": Shot.EXTREME_WIDE, "W": Shot.WIDE, "M": Shot.MEDIUM, "C": Shot.CLOSE, "X": Shot.EXTREME_CLOSE,
    "I": Shot.INSERT,
    "P": Shot.POV, "S": Shot.SHOULDER, "T": Shot.TWO, "L": Shot.LOW, "H": Shot.HIGH, "K": Shot.TRACKING,
    "A": Shot.AERIAL,
    "D": Shot.DUTCH}


@dataclass(frozen=True)
class Beat:
    """`conditions`: "person", "hands" (a person or a machine), "animal", "machine", "solo" ({A} alone),
    "someone" ({B} is a person),
    "verb:sell,lend", "not:craft" (cooking, growing, writing: they have beats of their own)."""

    phase: str
    weight: float
    shots: tuple[Shot, ...]
    conditions: tuple[str, ...]
    text: str

    @property
    def needs(self) -> frozenset[str]:
        """The letters of those that the sentence names."""
        return frozenset(re.findall(r"\{([ABO])(?:'s)?\}", self.text)) | frozenset(
            re.findall(r"<([BO]):", self.text))


def _beats(lines: str) -> tuple[Beat, ...]:
    found = []
    for line in lines.strip().splitlines():
        head, text = line.split(" | ", 1)
        phase, weight, shots, *conditions = head.split()
        found.append(Beat(phase, float(weight), tuple(_SHOTS[letter] for letter in shots), tuple(conditions),
                          text.strip()))
    return tuple(found)


ANY = _beats("""
open 9 WE | {A} <walk> slowly into view
open 9 WL | {A} <come> out of the shadow and <stop>
open 9 EW | {A} <cross> the empty scene with steady steps
open 8 WK | {A} <arrive> alone and <look> all around
open 3 WH | {A} <stop> and <look> over everything that lies ahead
open 4 WM person | {A} <begin> the day with a deep breath and a long look around
open 5 WL animal | {A} <raise> {his} head and <sniff> the air
open 5 WH machine | {A} <roll> into view with a blinking light
prepare 5 IX hands | {A's} hands <H:turn> {O} over with care
prepare 4 MC hands | {A} <pack> a small bag and <tie> it shut
prepare 4 MK animal | {A} <trot> along close to the ground, ears up
prepare 3 PM hands | {A} <trace> a line with one finger in the dust
meet 6 SM someone | {A} <walk> up to {B} and <nod> a greeting
meet 5 MT | {B} <B:come> closer and {A} <turn> to look
meet 3 PL | {A} <stop> short before {O}
try 4 TM person | {A} <step> toward {B} with open hands
try 3 KM | {A} <take> a first careful step forward
doubt 6 C | {A} <hesitate>, eyes lowered
doubt 5 HM solo | {A} <sit> down alone and <rest>, head bowed
doubt 4 CS someone | {B} <B:look> at {A} and slowly <B:shake> a head
turn 5 LM | {A} <stop> short and <turn> back with new resolve
turn 5 DC | A sudden sound <N:make> {A} spin round
turn 4 LD | {A} <look> up as a gust of wind <N:sweep> past
turn 4 XC | {A's} eyes <N2:widen>
turn 3 PI | A beam of light <N:fall> on {O}
after 5 CM | {A} <breathe> out slowly
after 5 CH | {A} <look> around as if for the first time
after 5 MI hands | {A} <lower> both hands and <listen> to the quiet
after 4 TM | {A} and {B} look at each other without a word
after 4 IC | {O} <O:lie> in the last light, untouched
after 3 HW | {A} <stand> still while dust <N:settle> all around
close 7 WE | {A} <walk> away, growing small in the distance
close 7 HA | {A} <pause> and <look> back one last time
close 7 EW | {A} <turn> toward the light and <go>
close 7 WM solo | {A} <sit> down and <watch> the light fade
close 5 WH | {A} and {B} walk off in opposite directions
close 3 CM | {A} <close> both eyes and <lift> {his} head
""")

OF_THINGS = _beats("""
open 9 WE | First light <N:spread> over {A}
open 4 HA | A bird <N:circle> above {A}
prepare 6 IX | A drop of water <N:run> down the side of {A}
prepare 5 ML | Dust <N:drift> past {A} in the still air
meet 5 SM | A passer-by <N:stop> and <N:bend> down to look at {A}
meet 4 LM | A shadow <N:cross> {A}
try 5 KC | {A} <tremble> and <begin> to move
doubt 5 HM | A cloud <N:pass> and {A} <lie> in shadow
doubt 4 PC | A hand <N:reach> out toward {A} and <N:draw> back
turn 6 DL | A gust of wind <N:shake> {A}
turn 4 XI | Light <N:flash> along the edge of {A}
after 6 CM | The air around {A} slowly <N:settle>
after 4 WM | People <N2:gather> around {A} and <N2:point>
close 7 WA | {A} <remain> alone while evening light <N:move> across the ground
close 5 HE | The camera <N:leave> {A} small in a wide view
""")

OF_DEED: Mapping[Deed, tuple[Beat, ...]] = {
    Deed.TRADE: _beats("""
open 12 WE verb:sell,trade,barter,lend,rent,swap,exchange | {A} <set> {O} down and <call> out to the people passing by
open 11 WK verb:buy,purchase,pay,haggle,bid,bargain | {A} <walk> past one display after another, looking for {O}
prepare 10 IX hands verb:sell,trade,barter,lend,rent,swap,exchange | {A's} hands <H:polish> {O} until it gleams
prepare 8 IX hands verb:buy,purchase,pay,haggle,bid,bargain | {A's} fingers <N2:count> a few last coins
meet 9 ML | {B} <B:stroll> past, then <B:stop> and <B:turn>
try 10 ST | {A} <present> {O} to {B} with a sweeping gesture
try 7 PM | {B} <B:listen> while {A} <name> a price
doubt 9 CX | {B} <B:lean> in and <B:inspect> {O} from every side
doubt 6 MH | {B} <B:fold> both arms and <B:step> back
turn 8 LD | {O} <O:catch> the light and everyone nearby <N:turn> to look
turn 7 LC | {A} <lean> close and <whisper> one last secret to {B}
after 9 IX | Coins <N2:change> hands across a wooden table
after 8 CM | {B} <B:bend> over {O}, already waiting for it to do something
close 9 WH verb:sell,trade,barter,swap,exchange | {A} <hurry> away with a full purse while {B} <B:stay> behind
close 8 WK verb:buy,purchase | {A} <carry> {O} home along an empty path
"""),
    Deed.GIVE: _beats("""
open 10 WE | {A} <watch> {B} from a distance
prepare 9 IX hands | {A's} hands <H:wrap> {O} with great care
prepare 8 KM | {A} <carry> {O} step by step through the crowd
meet 8 SM | {A} <knock> and {B} <B:look> up
try 8 TM | {A} <hold> {O} out toward {B}
doubt 8 CX | {B} <B:draw> back, unsure what to do
turn 7 LC | {B} <B:meet> {A's} eyes for the first time
after 9 CI | {B} <B:hold> {O} close
after 7 TM | {A} and {B} sit side by side in silence
close 8 WH | {B} <B:wave> while {A} <walk> on
"""),
    Deed.STEAL: _beats("""
open 11 WH | {A} <watch> the place from a dark corner
prepare 10 IX hands | A finger <N:follow> a route on a hand-drawn plan
prepare 8 KM | {A} <slip> along a wall, keeping to the shadow
meet 7 SM | {A} <pass> close behind {B} without a sound
meet 8 PI | {O} <O:gleam> ahead, unguarded for a moment
try 9 XI hands | {A's} fingers <N2:work> at a heavy lock
doubt 8 C | {A} <freeze> and <hold> {his} breath
turn 9 DL | A lamp <N:flare> up and a shadow <N:fall> across {A}
after 9 KW | {A} <run> with long strides, looking over one shoulder
after 7 IH | An empty stand <N:wait> where something stood a moment ago
close 8 WE | {A} <disappear> round the last corner
"""),
    Deed.SEARCH: _beats("""
open 10 WE | {A} <set> out with a lantern in one hand
prepare 9 IX hands | {A's} hands <H:unfold> a worn map
meet 7 SM | {A} <stop> a passer-by and <ask> for the way
try 9 KL | {A} <push> on, past one obstacle after another
try 7 PI | Fresh tracks <N2:lead> away across the ground
doubt 9 H | {A} <arrive> at a fork and <look> from one way to the other
turn 8 XC | {A} <kneel> down and <touch> a small clue on the ground
turn 6 LD | {A} <see> something move far ahead
after 7 CM | {A} <lean> against a wall, tired but not done
close 8 WE | {A} <follow> the last tracks toward the horizon
"""),
    Deed.FIND: _beats("""
open 9 WK | {A} <wander> along without any aim
prepare 7 MI hands | {A} <clear> away leaves and dust with both hands
meet 8 PI | Something <N:glint> half buried ahead
try 8 LM | {A} <stop> and <bend> down to look closer
doubt 7 C | {A} <look> around to see whether anyone is watching
turn 8 XC | {A's} eyes <N2:widen> in a sudden gleam
after 10 IX hands | {A's} hands <H:lift> {O} into the light
after 8 CM | {A} <sit> down beside {O} and <study> every side of it
after 6 HT | {A} <circle> {O} slowly, keeping a little distance
close 8 WE | {A} <walk> on with {O} close by
"""),
    Deed.FIGHT: _beats("""
open 10 WE | {A} <stand> far from {B} across open ground
prepare 9 IX hands | {A's} hands <N2:tighten> around a grip
prepare 8 LM | {A} <rise> slowly and <square> up
meet 9 SM | {A} and {B} circle each other
try 9 LK | {A} <rush> forward and {B} <B:step> aside
doubt 9 HC | {A} <drop> to one knee, breathing hard
doubt 6 CX | {B} <B:stare> down at {A}
turn 9 DL | {A} <push> up from the ground and <charge> again
after 9 CM | {A} <stand> still, chest heaving, while the dust <N:settle>
after 7 HT verb:defeat,kill,slay,conquer,beat | {B} <B:lie> still and {A} <lower> both arms
close 8 WE | {A} <leave> the silent ground behind
"""),
    Deed.FLEE: _beats("""
open 10 WH | {A} <stare> at a barred way out
prepare 9 IX hands | {A's} hands <N2:loosen> a knot, strand by strand
prepare 7 MP | {A} <count> the steps of someone passing outside
try 9 KM | {A} <crawl> through a narrow gap
meet 7 SM | {A} <duck> as {B} <B:come> near
doubt 8 CX | {A} <press> flat against a wall and <listen>
turn 9 DL | A shout <N:ring> out and {A} <leap> forward
after 9 KE | {A} <run> into the open without looking back
after 6 CM | {A} <gasp> for air and <begin> to smile
close 8 WA | {A} <vanish> into the distance
"""),
    Deed.CHASE: _beats("""
open 9 WE | {A} <notice> {B} far ahead
prepare 8 LI | {A} <crouch> low, ready to start
meet 8 PS | {B} <B:look> back and <B:start> to run
try 9 KW | {A} <race> after {B} round a corner
doubt 8 HC | {A} <stop>, panting, and <search> for a trace
turn 8 DL | {B} <B:slip> and the gap <N:close>
after 8 TM | {A} and {B} face each other, out of breath
close 8 WH | {A} <slow> down and <watch> the dust settle
"""),
    Deed.RESCUE: _beats("""
open 10 WE | {B} <B:call> for help, far from anyone
prepare 9 IM hands | {A} <seize> a rope and <start> to run
meet 8 PS | {A} <spot> {B} far below
try 9 KL | {A} <climb> down hand over hand
doubt 9 XC | The rope <N:fray> above {A}
turn 9 DL | {A} <stretch> out one arm and {B} <B:reach> up
after 9 TM | {A} <pull> {B} to safe ground
after 7 C | {B} <B:open> both eyes and <B:breathe>
close 9 WH | {A} and {B} walk home side by side
"""),
    Deed.TRAVEL: _beats("""
open 10 MW hands | {A} <shoulder> a bag and <look> at the way ahead
open 6 WE | {A} <look> back at the place that lies behind
prepare 8 IX hands | A finger <N:follow> a long line on a map
meet 7 SM | {A} <wave> to a stranger at the wayside
try 9 KE | {A} <move> on, step by step, across open ground
try 6 AE | A tiny figure, {A}, <cross> a vast empty plain
doubt 8 HC | {A} <stop> where the way divides
doubt 6 C person | {A} <wipe> the sweat away and <breathe> hard
turn 9 LD | {A} <lean> into a sudden storm wind
turn 6 PW | Far ahead a first light <N:appear>
after 8 LM | {A} <stop> and <gaze> at the end of the way
close 8 WE | {A} <sit> down at last and <watch> the sky change
"""),
    Deed.MAKE: _beats("""
open 9 WM hands | {A} <clear> a table and <roll> up both sleeves
prepare 10 IX hands not:craft | {A's} hands <N2:sort> small parts and tools in a row
prepare 8 SM hands not:craft | {A} <sketch> a first plan on a large sheet
meet 7 SM | A curious visitor <N:lean> in to watch {A} at work
try 9 MH hands not:craft | {A} <join> two pieces that do not quite fit
doubt 9 HC hands not:craft | {A} <push> the failed attempt aside and <sink> down beside it
turn 9 XC | {A} <look> up with a sudden idea
turn 7 KL hands not:craft | {A} <work> faster, tools flying
prepare 10 IX hands verb:bake,cook,brew | {A's} hands <H:measure> flour and water
try 9 MH hands verb:bake,cook,brew | {A} <taste> from a spoon and <shake> {his} head
doubt 8 HC hands verb:bake,cook,brew | {A} <lean> on the table while the oven <N:smoke>
prepare 10 IX verb:plant,grow,cultivate | Fingers <N2:loosen> the hard soil
try 9 MK hands verb:plant,grow,cultivate | {A} <carry> water, a little at a time
doubt 8 HC verb:plant,grow,cultivate | {A} <kneel> before bare earth where nothing <N:stir>
prepare 10 IX hands verb:write,paint,draw,compose,design | {A's} hand <N:hover> over a blank sheet
try 9 MS hands verb:write,paint,draw,compose,design | {A} <begin> with a few quick lines
doubt 8 HC hands verb:write,paint,draw,compose,design | {A} <crumple> the sheet and <drop> it
after 9 LI | {A} <step> back from {O} and <look> at it for the first time
after 7 TM | Others <N2:crowd> round {A} to see
close 8 WE | {O} <O:stand> alone in the quiet while {A} <leave>
"""),
    Deed.LEARN: _beats("""
open 9 WM | {A} <watch> someone more skilled from a distance
prepare 9 IX hands | {A's} hands <H:open> a thick, worn book
meet 8 SM | {B} <B:show> {A} the first move
try 9 MK | {A} <try> it alone and <stumble>
doubt 9 HC | {A} <sit> on the ground after one more failure
turn 9 LX | {A} <close> both eyes and <try> once more
after 9 KM | {A} <repeat> the move, this time without a slip
after 7 TC | {B} <B:nod> to {A} with a smile
close 8 WE | {A} <practise> on, alone and at ease
"""),
    Deed.MEET: _beats("""
open 10 WE | {A} <sit> alone while the world <N:pass> by
prepare 7 MI | {A} <hear> a small sound and <turn> {his} head
meet 9 PS | {B} <B:come> into view, unaware of {A}
try 9 TM | {A} <take> a step toward {B}
doubt 8 CX | {B} <B:step> back and <B:wait>
turn 8 LC | {A} <stay> quite still until {B} <B:come> nearer
after 9 TM | {A} and {B} sit down beside each other
close 9 WH | {A} and {B} set off together
"""),
    Deed.LOVE: _beats("""
open 9 WE | {A} <walk> alone among people in pairs
prepare 8 IX hands | {A's} hands <H:fold> a letter and <H:open> it again
meet 9 PS | {B} <B:look> up and <B:smile>
try 9 TM | {A} <walk> beside {B}, both talking at once
doubt 9 HC | {A} <wait> alone, watching the way
turn 9 LC | {B} <B:come> running out of the crowd
after 9 XT | {A} and {B} touch hands
close 9 WE | {A} and {B} walk on together, close side by side
"""),
    Deed.TRICK: _beats("""
open 9 WH | {A} <observe> everyone from a little way off
prepare 9 IX hands | {A's} hands <H:hide> something small out of sight
meet 9 SM | {A} <bow> to {B} with a wide smile
try 9 TM | {A} <spin> a tale with both hands while {B} <B:listen>
doubt 9 CX | {B} <B:tilt> a head and <B:wait>
turn 9 LD | {B} <B:take> the bait and <B:step> forward
after 9 CM | {B} <B:look> around, alone with the truth
close 8 WK | {A} <slip> away with a grin
"""),
    Deed.LOSE: _beats("""
open 9 WM | {A} <walk> along with {O}, in no hurry
prepare 7 IK | {O} <O:be> forgotten for a moment as {A} <look> elsewhere
after 9 CX | {A} <notice> the loss and <stand> still
after 8 KH | {A} <search> the ground, turning over every leaf and stone
after 8 PI | A faint trace <N:show> on the ground
close 7 WE hands | {A} <go> on alone with empty hands
"""),
    Deed.CHANGE: _beats("""
open 9 WE | {A} <stand> in the same place as ever
prepare 8 IX | A first small change <N:run> across {A}
meet 6 SM | A passer-by <N:stop> and <N:stare> at {A}
try 8 MK | {A} <tremble> as something <N:begin>
doubt 8 CH | {A} <draw> back, as if to stop it
turn 9 LD | A strange light <N:rise> around {A}
after 9 CX | {A} <look> at {his} own reflection in still water
close 8 WE | {A} <move> on, no longer what was
"""),
    Deed.SPEAK: _beats("""
open 9 WH | {A} <wait> at the edge of a group of people
prepare 8 IC | {A} <whisper> the words to {his} own reflection
meet 9 SM | {B} <B:turn> and <B:wait> for {A} to begin
try 8 TM | {A} <start> to speak and <break> off
doubt 8 CX | {A} <look> down and <swallow> hard
turn 9 LC | {A} <lift> {his} head and <take> a breath
after 9 CM | {B} <B:listen> without moving
close 8 WE | {A} <turn> away, lighter than before
"""),
    Deed.WATCH: _beats("""
open 9 WE | {A} <find> a quiet place to look out from
prepare 6 IM hands | {A's} hands <N2:rest> on a cold railing
try 7 SK | {A} <lean> forward to see better
turn 8 PX | Something <N:move> at the edge of the view
after 8 C | {A} <stare> on, unable to look away
close 8 WH | {A} <rise> at last and <go>
"""),
    Deed.COMPETE: _beats("""
open 10 WE | {A} <enter> under the eyes of a waiting crowd
prepare 9 IX hands | {A's} hands <N2:shake> and <N2:close> into fists
meet 9 SM | {A} and {B} size each other up
meet 6 TL | A rival <N:take> the place beside {A}
try 9 KL | {A} <break> away at the signal
doubt 9 HC | {A} <fall> behind and <gasp> for air
turn 9 DL | {A} <find> a last reserve of strength
after 9 LM | The crowd <N:rise> around {A}
close 8 WE | {A} <walk> alone across the empty ground
"""),
    Deed.DESTROY: _beats("""
open 9 WE | Life <N:go> on as always around {A}
prepare 8 IX | A thin crack <N:spread> across the ground
meet 7 PM | People <N2:stop> and <N2:look> up
try 8 KM | {A} <move> through a crowd that <N:scatter>
doubt 8 C | {A} <stand> motionless for one long second
turn 9 DL | The ground <N:shake> and everyone <N:run>
after 9 HM | Smoke <N:drift> over what is left
close 8 WE | {A} <stand> among the ruins, very small
"""),
    Deed.WORK: _beats("""
open 9 WE | {A} <arrive> early, before anyone else
prepare 9 IX hands verb:work,farm,tend,clean,sweep,fish,catch,harvest,fix,dig | {A's} hands <N2:lay> out simple tools
prepare 7 MI hands | {A} <make> everything ready with practised hands
try 8 MK | {A} <try> once and <miss>
doubt 8 HC | {A} <rest> for a moment, worn out
turn 8 LD | {A} <stiffen> and <look> up
after 8 CM hands | {A} <wipe> both hands and <look> at what is done
close 8 WE | {A} <head> home in the fading light
"""),
    Deed.PERFORM: _beats("""
open 9 WE | {A} <arrive> and <look> for a good spot
prepare 9 IX hands | {A's} fingers <N2:stretch> and <N2:hover>, ready
meet 7 SM B | {B} <B:stop> to watch {A}
try 9 MT | {A} <begin> softly, unsure of every move
doubt 8 CH | {A} <break> off and <look> down
turn 9 LD | {A} <close> both eyes and <let> go
after 8 HM | Silence <N:fall>, then somebody <N:begin> to clap
close 8 WE | {A} <bow> and <step> out of the light
"""),
}

SPARE = _beats("""
open 1 WE | Wind <N:move> through the empty scene
prepare 1 IX | An open notebook <N:lie> beside a burning candle
prepare 1 HM | Birds <N2:rise> all at once
meet 1 SM | Footsteps <N2:approach> and a long shadow <N:fall>
try 1 KL | Leaves <N2:race> along the ground
doubt 1 PC | A door <N:swing> slowly in the draught
turn 1 DL | A bell <N:ring> somewhere near
turn 1 XI | A single drop <N:fall> and rings <N2:spread>
after 1 HM | The noise <N:fade> and the air <N:clear>
close 1 WA | The view <N:widen> until everything <N:be> small
close 1 EL | The last light <N:leave> the scene
""")
"""Where a story gives nobody and nothing to show."""
