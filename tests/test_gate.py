"""The gate: every danger line is caught, a child is told from an adult who speaks of one, and it stays quick."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import Gate
from bot.errors import LibraryInvalid
from bot.guard.personal_data import mask
from bot.triage.gate import GateKeeper
from bot.triage.lexicon import ChildWords, DangerWords, Words
from bot.triage.phrases import PhraseBook, tokens
from bot.triage.platform import PlatformSpotter, platform_of
from bot.triage.words import load_words

WORDS = load_words(Path(__file__).parents[1] / "content" / "words")
KEEPER = GateKeeper(WORDS)
PHRASES = GateKeeper(
    replace(
        WORDS,
        danger=replace(WORDS.danger, alarming=(), calm=()),
        child=replace(WORDS.child, children=(), adults=()),
    )
)
"""The phrases alone: most lines below are among the examples as well, and would teach themselves."""
NEEDLESS_AT_MOST = 8
"""Of the everyday lines below, what the likeness to danger may show: it errs towards showing (decision 0016)."""


def _lines(block: str) -> list[str]:
    return [line.strip() for line in block.strip().splitlines()]


DANGER = _lines("""
    she's on the bridge and won't come down
    a pupil is on the roof of the science block
    shes got a knife
    hes got a nife in his bag
    boy in y10 has brought a knife into school
    no knife involved but he said he had one
    this is only a drill: lockdown, man with a weapon
    kms
    im gonna kms tonight
    she just posted that she wants to kms
    od'd
    he's od'd on something
    she's taken an overdose
    i think she has overdozed
    a girl took loads of tablets at lunch
    he's swallowed a whole packet of paracetamol
    she has taken tablets and is livestreaming it
    gonna jump
    hes gona jump off the car park
    he says he's going to jump in front of a train
    cant go on
    i cant go on any more
    "I can't go on like this" is what he wrote
    she says there's no way out
    posted goodbye on her story 5 minutes ago
    pupil has sent goodbye messages to all her friends
    she wrote a goodbye letter and left the house
    student says she wants to die
    he wants 2 die, he wants to be dead
    he said he is going to kill himself
    she's threatening to kill herself if we tell her dad
    she keeps saying she will kill her self
    he is suicidal and at home on his own
    one of my learners is sucidal
    she is suicidle and wont answer
    found a suicide note in her planner
    talking about suicide in the group chat right now
    he is planning to commit sucide tonight
    y11 boy attempting suicide as we speak
    threatening suicide over the pictures
    says everyone would be better off without him
    she doesn't want to be here anymore
    doesnt want to live
    dont want to wake up tomorrow
    he is ending it all tonight
    she said she's going to end her life
    no point in living she said
    there's a rope round his neck on the video
    she's cutting herself on a live right now
    pupil cutting her wrists in the toilets
    he's bleeding everywhere
    self harming live on tiktok
    she is self harming right now
    says she will hurt herself tonight
    he's going to hurt himself
    monitoring alert: searching how to hang himself
    she isn't breathing
    he's unconscious
    a boy has passed out after a challenge
    she's having a fit
    he won't wake up
    theres a bomb in the school
    we have had an email saying a bomb will go off at 10am
    bomb threat by email
    he posted a picture of a gun and said don't come to school tomorrow
    dont come in tmrw, he means it
    ex pupil says hes coming into school with a machete
    former student on his way to the school to fight
    a dad is on his way to my house with a bat
    parent outside my house now shouting
    he said he'll stab me
    threatening to stab another pupil after school
    someone is going to get stabbed
    he has threatened to kill his teacher
    i will kill you all was the message
    they have a kill list of staff
    death threats against our head
    school shooting planned for monday according to snapchat
    he says he is going to shoot up the school
    going to burn the school down
    he's threatening an acid attack
    someone's been stabbed outside the gates
    a child is being attacked
    she is being held in a flat by him
    he's strangling her
    she has been kidnapped
    raped last night and he is outside
    he is hitting her right now
    she's gone missing
    missing girl last seen getting into a car
    a y8 girl cant be found. we can't find her anywhere
    we don't know where she is
    ran away from the foster home an hour ago
    she hasn't come home
    she got in a car with a man she met online
    she got into a strangers car
    he's picked her up from the park
    she's going to meet him tonight
    she has gone to meet a man from snapchat
    they're meeting at the station in an hour
    he wants to meet her after school today
    she's at his house now
    a man off roblox is outside her house
    he's live streaming the abuse of a child now
    group on discord is making her cut herself on camera
    they told him to hurt his dog and carve a name into his arm, he's on call now
    she's in danger
    i think he's in immediate danger
    it's an emergency
    someone call 999
    i need the police now
    need an ambulance
    please help me now
    help now please
    she isn't safe at home tonight
    i'm not safe
    i fear for my life
    fight happening right now with weapons
    it's happening right now, he is hurting her
    foster child has run off and we think she's meeting the older boyfriend tonight
    just posted a photo of pills and the word bye
    she's on the train tracks
    he's standing on the ledge
    he is dying
    going to die
    feels hopeless and he is panicking, she wants the money tonight or she'll end it all
    mae hi ar y bont
    mae'n mynd i ladd ei hun
    dwi eisiau marw
    mae hi eisiau marw
    mae ganddo gyllell
    mae cyllell gyda fe yn yr ysgol
    mae wedi cymryd tabledi
    mae hi wedi cymryd gorddos
    mae hi ar goll
    mae'r ferch yn cyfarfod dyn heno
    hunanladdiad
    neges ffarwel gan ddisgybl
    mae bom yn yr ysgol
    methu anadlu
    mae o'n bygwth lladd athro
    angen help nawr
    methu cario ymlaen
    mae hi'n brifo ei hun
    a lad in my tutor group says he is gonna do something stupid tonight
    he's locked himself in the bathroom and says its over
    she messaged saying by the time you read this ill be gone
    pupil saying they have nothing left and have a plan
    she has a blade with her in the toilets
    brother has a machete and is waiting at the bus stop
    child told us dad is going to kill mum when she gets home
    she's with the man now in his car
    a girl is being filmed being beaten up, its live on insta
    he said tomorrow is the day and posted a picture of the school
    theyve got him in a van
    she isnt answering and her last post said sorry mum
    he has jumped
    found her with a ligature
    my student's friend says she has drunk something and is going blue
    i want it all to stop i cant take this any longer
    there's a man in the house and she is hiding
    she said she will do it if we call home
    he just got on a train to manchester to meet a girl from discord
    hes going to end himself
    he is planning to hurt people at school on friday
    someone emailed saying devices have been placed in the building
    kid not come in today and left a note
    she is 15 and 2 hours late home, met someone on snap
    I feel like dying
    pupil has cut herself badly
    they are egging him on to jump
    he is being jumped outside the gates
    girl collapsed after trying the challenge
    her boyfriend is on his way with a hammer
    mae o wedi neidio
    mae bachgen gyda chyllell tu allan
    dwi ddim isio byw
    he's gonna top himself
    she's gone off with a man
    taken a load of her mums meds
    threatened to bring a gun in
    ambo needed
    she's trying to jump out the window
    pupil has disclosed she is planning to take her life this weekend
    he's threatening to throw himself under a bus
    she sent her mates a message saying sorry for everything and turned her phone off
    child is hanging out of the window
    just seen a post saying im bringing something for him tomorrow, with a photo of a blade
    he's locked in a room with her and she is texting us for help
    y9 girl has vanished from the school site
    she's been sick after taking something
    someone on omegle told her to strangle herself
    a parent is on the way up to school and says hell batter the head
    she's barricaded herself in
    boy says he will bring a gun on monday
    the boyfriend has her in his flat and wont let her leave
    he cut himself in a lesson and there is blood
    shes wants to be with her nan in heaven tonight
    she told chat gpt how she will kill herself
    hes in a car with him and not answering
    our foster lad has not come back and was meeting a man
    group call where a kid is being told to hurt himself right now
    mae hi wedi torri ei hun
    girl on the wrong side of the railings
    he has written his will and given his things away
    she's got hold of a razor and locked the door
    they are going to jump him at 3 outside school
    pupil is fitting
    I think a child is being trafficked as we speak
    student drank cleaning fluid
    someone has posted that there'll be a massacre on friday
    she has been choking herself for a challenge and has gone limp
    a lad came in with a firearm
    hes messaging saying its his last night
    child being abused on camera now
    she is walking along the motorway
    he wants her to hang herself on cam
    mae hi yn y car gyda fo nawr
""")

NO_DANGER = _lines("""
    A parent has posted on Facebook that our head is useless
    someone made a fake tiktok account in our school's name
    how do I report an instagram account
    what is the age limit for snapchat
    meta says it doesn't go against community standards
    parents' group saying the head covered up bullying
    one star reviews on google from a former parent
    a pupil set up a fake account of our maths teacher
    year 9 girls left out of a group chat and laughed at
    anonymous confessions page about our pupils
    Nude of a year 9 pupil is going round
    boys have used a nudify app on pictures of girls
    boy in year 10 is being blackmailed for money over a picture
    A pupil says an adult on Discord keeps asking for photos
    her feed is full of content about eating disorders
    is the latest challenge everyone talks about real?
    pupils watching gore clips at break
    far right telegram channel shared by a sixth former
    homophobic comments on a snap story
    our school insta has been hacked
    a child spent £640 on robux
    nativity photo of an adopted child was posted by a parent
    half of year 5 are on snapchat
    a pupil says she has an AI boyfriend
    cover supervisor has been messaging a year 11 on instagram
    how often should we review filtering and monitoring?
    I reported it three days ago and nothing happened
    clicked on a link and saw illegal images
    printer is broken
    asdf test
    hello
    thanks, that helped
    how do i block someone on whatsapp
    what should our acceptable use policy say
    can you come and do training for our staff
    what are the rules about phones in school
    does the safeguarding lead have to tell parents
    a parent is live tweeting our meeting
    we do not know what to say to parents
    a teacher's personal photos have been copied to another account
    deepfake voice of our headteacher in a prank video
    I need advice about a whatsapp group of primary children
    our ex-caretaker is leaving nasty comments
    how long does tiktok take to answer a report
    we are meeting the parents on Thursday to discuss it
    the governors meet next week
    they keep adding her back to the group
    the pupil deleted the post but others have screenshots
    a member of staff has been named in a local paper
    who can report an account that impersonates a child
    is 13 the right age for whatsapp
    someone is pretending to be a pupil and messaging boys
    children are sharing a video of a teacher falling over
    what is KCSIE
    please can I speak to a person
    where do I find the report button on youtube
    our social worker posted something silly on facebook
    a foster carer asks about parental controls on xbox
    how do I turn off comments
    he called her names on fortnite
    the head boy has been excluded from a group
    I'm worried about a friend's tweets about her class
    is it defamation if a parent says I'm a bad teacher
    what does the online safety act say about schools
    a pupil used the n word in a snap
    our website pictures were copied by another school
    can a school search a pupil's phone
    how do we teach year 4 about passwords
    sgrinlun o athro ar tiktok
    sut mae blocio rhywun ar instagram
    mae rhiant wedi postio sylwadau cas am yr ysgol
    beth yw oedran snapchat
    cyfrif ffug yn enw'r ysgol
    diolch am eich help
    parents have been told about the new policy and are angry
    a year 8 pupil made a tiktok saying a teacher is a nonce
    we had a hoax email last year, what is the advice about that in policy
    someone is sharing photos of our sports day without permission
    staff member found a dating profile in her name
    how do we get a fake snapchat removed
    a child sent money to someone in a game
    the group chat has been screenshotted and shared with parents
    pupils vote on who is the ugliest in year 9
    our head is getting 30 messages a day from one parent
    a pupil is addicted to fortnite and up all night
    a deepfake of the deputy head singing is going round
    can we confiscate a phone and look through it
    a y7 boy was shown porn on the bus
    a girl in y10 is sending selfies to an older boy she met online
    he keeps threatening to post the picture unless she pays
    our wifi filter blocks everything useful
    a parent filmed staff at the gate and put it on facebook
    a pupil said on snap that another pupil stinks
    tiktok removed the video but it is back
    which age is roblox for
    how do we talk to children about self-harm content
    suicide prevention training for staff, who offers it
    what do we do about a viral scare going round parents
    can I report a WhatsApp group I am not in
    a carer has posted a photo of a looked after child
    a teaching assistant follows pupils on instagram
    year 11 prom photos being edited into rude pictures
    we can't find the report button
    someone can't get into our twitter account
    no one can find the policy on the website
    I don't know where to report this
    we have been trying to reach youtube for weeks
    I have had enough of these comments about me
    the meeting with parents is tomorrow, what should I say
    they shot a video in the toilets
    the band's livestream on our page
    parents said they will be at the gate tomorrow to protest about uniforms
    the post has been up since this morning
    they took her phone at the station
    she is meeting the safeguarding lead this afternoon
    he went live on tiktok in my lesson
    my head is not supporting me, who else can help me please
    is there an emergency contact for instagram
    we need help with a fake account please help us
    the boys were fighting in a video filmed yesterday
    a pupil's account has been hacked and is posting spam
    can I get a video taken down if it names staff
    an ex pupil has tagged the school in a rude meme
    how do I set up parental controls on a switch
    we had a complaint about a class whatsapp
    someone is selling vapes on snapchat to our pupils
    a teacher was filmed dancing at a wedding
    year 6 pupils are on tiktok live
    which helpline do I give to parents
    a parent wants the school to remove a comment
    my colleague thinks the photo is AI
    there is a fan page about our caretaker
    a governor wrote a rude tweet
    boys rating girls on a spreadsheet
    she keeps getting friend requests from strangers
    our school name is used on a meme account
    what is a good lesson on fake news
    the trust wants us to write a social media policy by friday
    is it ok for staff to add parents on facebook
    a pupil made racist comments on xbox
    an old pupil set up a gossip page
    our pta facebook group is full of moaning about the head
    a pupil livestreams from the classroom
    parents think the snap map is dangerous
    sixth former is sharing conspiracy videos
    someone used my photo on a dating site
    how can I get a copy of a deleted tiktok
    pupils made a vote about the worst teacher
    what do I say to a mum who wants names
    the school's youtube channel was hacked last night
    is there training about sextortion for staff
    who do I ring about a fake page
""")

CHILD = _lines("""
    im 13
    hi im 13
    I'm 12 and someone is being mean to me
    i am 12 years old
    i am eleven
    im only 10
    im nearly 14
    i'm 9
    i'm in year 8
    im in yr 7 and i need help
    im in y9
    im year 10
    i am in primary school
    im a kid
    im just a kid
    i'm under 18
    hey 14 f here
    me and my friend are both 12
    its my 13th birthday tomorrow, im turning 13
    i just turned 15
    we are both in year 8
    my teacher keeps shouting at me
    my teacher messaged me on snap
    i told my teacher but she did nothing
    should i tell my teacher
    my mum took my phone
    my mum will kill me if she finds out
    my dad doesn't know i have tiktok
    my mam found my messages
    dont tell my mum
    i cant tell my parents
    my foster carer took my phone off me
    my parents said i cant have insta
    girls in my class are being horrible to me
    boys in my year made a group about me
    someone in my school posted a picture of me
    everyone at my school is laughing at me
    kids at my school bully me
    im being bullied at school
    i am getting bullied on snapchat
    they keep bullying me
    i sent him a picture and now he wants money
    i sent nudes to a boy
    hes going to leak my nudes
    they leaked my pictures
    he says he will send my pics to everyone
    someone is sharing my nudes round school
    a boy asked me for nudes
    he keeps asking me to send pics
    will i get in trouble
    am i going to get in trouble
    my best friend left me out, me and my best friend fell out
    my friends all hate me
    they call me fat and ugly
    everyone is calling me names in the group chat
    i hate school
    my homework got posted online by a girl
    my form tutor said to message you
    my head of year won't do anything
    my maths teacher is horrible
    in assembly they all laughed at me
    there is a pic of me on a snap story and everyone has it
    i met a boy on roblox and he says he loves me
    my brother hits me and films it
    my stepdad touches me
    im 16 and my bf wants pics
    I am 17 and at college, someone made a fake account of me
    i'm fourteen and scared
    im thirteen
    my age is 11
    i am in p6
    im in s3 and people are mean
    dwi'n 12
    dwi'n 13 oed
    dwi ym mlwyddyn 8
    mae fy athro yn gas
    plant yn fy nosbarth yn gas i fi
    cael fy mwlio
    dweud wrth mam
    im in year 9 and i dont know who to talk to
    i go to school in cardiff, i hate school
    im a girl and im 11 can u help
    someone at my school is pretending to be me
    my mum doesnt believe me
    i sent a pic and now hes saying hell show my whole school
    im year six
    year 7 here
    15 yr old here need advice
    my mate in year 9 is being blackmailed what do i do and im 14
    they made a meanpage about me at school
    my sister found out i was talking to a guy online, im scared to tell my mum
    a boy in my class took a picture of me in the changing rooms
    hi i'm in secondary and someone leaked my nudes
    dwi'n ddeuddeg oed
    i dont want my parents to know
    im 13 years old my teacher said i could talk to you
    can i talk to someone my dad is being weird with me
    i am a year 9 student
    my teacher made a joke about my body
""")

NO_CHILD = _lines("""
    she is 13
    he's 12 and in year 7
    a boy in year 8 has a fake account
    my pupil is 13
    our year 9s are on snapchat
    my year 10 class made a tiktok about me
    a 13 year old girl in my care is being groomed
    I'm a teacher and a parent is posting about me
    I am the DSL at a primary school
    I'm a foster carer, she is 14
    I am a social worker for a 15 year old
    as a headteacher I need advice
    my daughter's friend is being bullied
    my daughter is 12 and her teacher messaged her
    my son is 13 and someone has his pictures
    I teach year 8
    I work in a school
    I'm in year 2 of my teacher training
    I'm head of year 9
    I'm year 10 lead
    I'm year 11 pastoral manager
    i am 10 minutes away from school
    i am 12 weeks pregnant and a parent is harassing me
    i am 15 years into teaching
    i'm 17 years a teacher and have never seen this
    my teachers are being filmed
    my staff are upset
    my colleague had her photos stolen
    my headteacher colleague is being impersonated
    one of our girls says a boy asked for pictures
    a pupil told me her mum took her phone
    a pupil wrote "im 13 and i hate school"
    pupil says my teacher keeps shouting at me
    his bio says im 16
    the account says i am 13 but it is an adult
    an adult pretending to be a 13 year old
    children in my care use fortnite
    a student in our sixth form is being blackmailed
    our students are using a nudify app
    we have a girl in year 9 who sent a picture
    y9 girl sent nudes to a boy in y10
    what is the age limit for tiktok
    is 13 old enough for whatsapp
    half of y5 on snap
    how do I report an under 13 account
    someone is impersonating a pupil
    parents are asking about roblox
    a parent says her son is 11 and on tiktok
    I'm a TA in year 6
    I'm the senco
    I'm a governor
    I am a parent
    I'm a mum of two
    I am worried about a child
    I'm worried about one of my learners
    a young person I support is 17
    the young person is 16 and sends pictures
    we need training for year 6
    my form are year 7 and there is a group chat
    my tutor group has a whatsapp
    I'm looking for advice about year 8 boys
    I'm supporting a 12 year old
    the child is 8
    victim is 14, suspect 15
    our school has 900 pupils
    a teacher's account was hacked
    she told her teacher
    his mum took his phone
    her friends at school shared it
    their form tutor reported it
    a girl has been sending nudes
    my husband is a teacher and is being harassed by pupils
    when I was 12 there was no internet
    hello
    thanks
    talk to a person
    can i get in touch by phone
    plentyn 13 oed yn fy ngofal, dwi'n athro
    mae disgybl ym mlwyddyn 8 yn cael ei bwlio
    rydw i'n athrawes
    i'm teaching year 8 about online safety
    my mum is a teacher and gets abuse on facebook
    I'm 16 years in the job and never seen this
    one of my year 10s sent a nude
    a mum told me her son is 11
    girls in my class have made a tiktok about me. I am their teacher
    I'm a 6th form tutor
    a lad I coach is 14 and being blackmailed
    I've been asked to talk to year 5
    hi we are a primary school with a problem in year 6
    i am in charge of year 11
    I'm in school today until 4, can someone ring
    we're 12 staff in a small nursery
    students are sharing my photos
    someone shared a picture of me teaching my class
    they are leaking my photos from facebook round the school, I'm a teacher
    I'm not going to get in trouble for looking at it am I? I am the DSL
    pupils posted a video of me
    Can I get in trouble for screenshotting it?
    my teacher training college
    someone is sharing photos of me, I work at a school
""")

BOTH = _lines("""
    im 13 and i want to die
    i am in year 8 and he has a knife
    my mum will find out and i cant go on
""")


@pytest.mark.parametrize("line", DANGER)
def test_danger_is_seen(line: str) -> None:
    assert KEEPER.look(line).gate is Gate.DANGER


@pytest.mark.parametrize("line", DANGER)
def test_danger_is_seen_by_phrases_alone(line: str) -> None:
    assert PHRASES.look(line).gate is Gate.DANGER


@pytest.mark.parametrize("line", NO_DANGER)
def test_no_phrase_shows_the_danger_screen_for_everyday_worries(line: str) -> None:
    assert PHRASES.look(line).gate is not Gate.DANGER, PHRASES.look(line).because


def test_few_everyday_worries_show_the_danger_screen() -> None:
    needless = [line for line in NO_DANGER if KEEPER.look(line).gate is Gate.DANGER]
    assert len(needless) <= NEEDLESS_AT_MOST, needless


@pytest.mark.parametrize("line", CHILD)
def test_a_child_is_seen(line: str) -> None:
    seen = KEEPER.look(line)
    assert seen.gate is Gate.CHILD or seen.also_child


@pytest.mark.parametrize("line", NO_CHILD)
def test_an_adult_who_speaks_of_a_child_is_no_child(line: str) -> None:
    seen = KEEPER.look(line)
    assert seen.gate is not Gate.CHILD, seen.because
    assert not seen.also_child


@pytest.mark.parametrize("line", BOTH)
def test_danger_goes_before_a_child_and_both_are_told(line: str) -> None:
    seen = KEEPER.look(line)
    assert (seen.gate, seen.also_child) == (Gate.DANGER, True)


@pytest.mark.parametrize("line", [*DANGER, *NO_DANGER, *CHILD, *NO_CHILD, *BOTH])
def test_masking_first_does_not_change_what_the_gate_sees(line: str) -> None:
    masked, plain = KEEPER.look(mask(line, WORDS.known).text), KEEPER.look(line)
    assert (masked.gate, masked.also_child) == (plain.gate, plain.also_child)


@pytest.mark.parametrize("line", DANGER)
def test_capitals_and_lost_punctuation_do_not_hide_danger(line: str) -> None:
    assert KEEPER.look(line.upper()).gate is Gate.DANGER
    assert KEEPER.look(line.replace("'", "’") + "!!!").gate is Gate.DANGER


def test_each_gate_has_at_least_150_labelled_lines() -> None:
    assert len(set(DANGER)) + len(set(NO_DANGER)) >= 150
    assert len(set(CHILD)) + len(set(NO_CHILD)) >= 150


def test_without_words_nothing_is_seen() -> None:
    blind = GateKeeper(Words())
    assert all(blind.look(line).gate is Gate.NONE for line in [*DANGER, *CHILD])


def test_a_word_less_in_the_list_is_a_line_less_caught() -> None:
    words = Words(danger=DangerWords(phrases=("on the bridge",)))
    assert GateKeeper(words).look("she is on the bridge").gate is Gate.DANGER
    assert GateKeeper(words).look("she is on the roof").gate is Gate.NONE


def test_now_and_harm_count_only_together() -> None:
    keeper = GateKeeper(Words(danger=DangerWords(now=("as we speak",), harm=("blood",))))
    assert keeper.look("as we speak. there is blood").gate is Gate.DANGER
    assert keeper.look("as we speak").gate is keeper.look("blood").gate is Gate.NONE


def test_what_calls_a_child_off_must_touch_what_was_found() -> None:
    keeper = GateKeeper(Words(child=ChildWords(certain=("i am <8-17>",), unless=("i am <8-17> minutes",))))
    assert keeper.look("i am 12 minutes late").gate is Gate.NONE
    assert keeper.look("i am 12 minutes late and i am 13").gate is Gate.CHILD


def test_a_gap_does_not_reach_over_the_end_of_a_sentence() -> None:
    book = PhraseBook(["has ... knife"], {})
    assert list(book.find(tokens("she has a big knife", {})))
    assert not list(book.find(tokens("who knows what she has. a knife?", {})))


def test_one_slip_in_a_long_word_is_forgiven_and_two_are_not() -> None:
    book = PhraseBook(["overdose"], {}, forgiving=True)
    found = [
        word for word in ("overdoze", "ovedose", "overddose", "voerdose", "ovredose", "ovrdoze") if [*book.find([word])]
    ]
    assert found == ["overdoze", "ovedose", "overddose", "ovredose"]


@pytest.mark.parametrize("broken", ["... knife", "now? come", "(a|)"])
def test_a_phrase_that_cannot_work_is_refused(broken: str) -> None:
    with pytest.raises(LibraryInvalid):
        PhraseBook([broken], {})


def test_a_missing_or_misshapen_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryInvalid, match=r"danger\.yml"):
        load_words(tmp_path)
    (tmp_path / "danger.yml").write_text("- only\n- a list\n")
    with pytest.raises(LibraryInvalid, match=r"danger\.yml"):
        load_words(tmp_path)


@pytest.mark.parametrize("hostile", ["she has a " * 400, "i am " * 1000, "a" * 4000, "has " * 1000, "." * 4000])
def test_the_longest_message_is_looked_at_quickly(hostile: str) -> None:
    began = time.thread_time()
    KEEPER.look(hostile)
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("her finsta is full of it", "instagram"),
        ("someone on IG", "instagram"),
        ("tik tok in our name", "tiktok"),
        ("it was on his snap story", "snapchat"),
        ("posted on snap", "snapchat"),
        ("year 6 wats app group", "whatsapp"),
        ("£640 on robux", "roblox"),
        ("psn party chat", "playstation"),
        ("he tweeted about us", "x"),
        ("our X account", "x"),
        ("one star google reviews", "google"),
        ("pupil is on tinder", "dating"),
        ("youtube, then tiktok", "youtube"),
        ("cyfrif ffug ar tiktok", "tiktok"),
        ("he made a snap decision about x and y", None),
        ("let off steam", None),
        ("the school website", None),
    ],
)
def test_platforms_are_known_by_the_names_people_give_them(text: str, platform: str | None) -> None:
    assert platform_of(text, WORDS) == platform


def test_a_spotter_is_made_once_and_asked_often() -> None:
    spotter = PlatformSpotter(WORDS)
    assert [spotter.platform_of(text) for text in ("insta", "nothing")] == ["instagram", None]


@pytest.mark.parametrize(
    "line",
    [
        "my mum will kill me if she finds out about the pics",
        "my dad is gonna kill me when he sees it",
        "my mum and dad will kill me if they find out",
    ],
)
def test_fear_of_being_told_off_is_a_child_and_no_emergency(line: str) -> None:
    assert KEEPER.look(line).gate is Gate.CHILD


@pytest.mark.parametrize(
    "line",
    [
        "my dad is going to kill me",
        "he will kill me if she finds out",
        "my mum will kill me if she finds out and i want to die",
        "my dad will kill me, he has a knife",
        "child missing right now",
    ],
)
def test_a_saying_hides_no_threat_and_no_other_danger(line: str) -> None:
    assert KEEPER.look(line).gate is Gate.DANGER
