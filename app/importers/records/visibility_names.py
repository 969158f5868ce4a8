"""The names and words with which systems say who may read an item, folded as `aliases.fold_name` does. Only tables."""

import re
from collections.abc import Iterable
from typing import Literal

State = Literal["draft", "scheduled", "published", "withdrawn"]


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


DRAFTS = _split(
    "draft isdraft appdraft wpdraft hidden ishidden unlisted isunlisted private isprivate membersonly subscribersonly "
    "unpublished isunpublished headless eleventyexcludefromcollections excludefromcollections passwordprotected "
    "protected trashed istrashed deleted isdeleted archived isarchived softdeleted wip iswip onhold isonhold "
    "donotpublish dontpublish neverpublish nopublish notforpublication membersonly isunpublisheddraft "
    "isprovisionaldraft"
)
"""True hides; false says nothing."""
HINTS = _split(
    "hold held ishold isheld internal isinternal internalonly staffonly confidential isconfidential secret issecret "
    "restricted isrestricted pending ispending rejected isrejected unapproved isunapproved disabled isdisabled "
    "inactive isinactive invisible isinvisible suspended issuspended spiked isspiked trash binned isautosave"
)
"""True hides; anything else says nothing, since others mean something else by these names."""
CLEARED = _split("password postpassword wppostpassword deletedat trashedat archivedat unpublishedat draftid fegroup")
"""Anything but nothing hides: of Craft the number of a draft, of TYPO3 the groups that may read it."""
RETRACTED = _split(
    "retracted isretracted retractedat withdrawn iswithdrawn withdrawnat killed iskilled recalled isrecalled"
)
"""Anything but nothing and false takes it back."""
PUBLISHED = _split("published publishedat publish")
"""False hides; but others give the date of publication under these names."""
PUBLIC = PUBLISHED | _split("ispublished public ispublic visible isvisible islisted publiclyvisible")
"""False hides, and so does what is neither true nor false."""
SWITCHES = _split(
    "listed online isonline active isactive enabled isenabled enabledforsite approved isapproved released isreleased "
    "publishable ispublishable readytopublish haspublishedcopy"
)
"""False hides; anything else says nothing, since others mean something else by these names."""
LIVE = _split("live")
"""False hides, as Wagtail has it, unless a status says that it is published: then it tells other articles from live
blogs. Anything else says nothing."""
STAMPS = _split(
    "publishedat firstpublishedat publishedon lastpublished lastpublishedat firstpublicationdate lastpublicationdate"
)
"""When a system has published it; null under each of those that there are says that it has not."""
STATUS = _split(
    "status poststatus wpstatus wppoststatus bloggerstatus articlestatus contentstatus entrystatus publicationstatus "
    "publishstatus publishingstatus managementstatus workflowstate workflowstatus moderationstate pubstatus "
    "creativeworkstatus workflowstage workflowstep moderationstatus publicationstate publishstate publishingstate "
    "editorialstatus editorialstate approvalstatus approvalstate draftstatus statut statutpublication"
)
"""A word for a state; one that nobody knows hides."""
STEPS = _split(
    "workflow stage phase lifecycle lifecyclestatus lifecyclestate reviewstatus reviewstate articlestate contentstate "
    "entrystate poststate pagestatus pagestate documentstatus documentstate storystatus storystate itemstatus "
    "itemstate newsstatus recordstatus"
)
"""A word for a state, or an object with one, where it is one: else these names mean something else."""
READERS = _split("visibility postvisibility")
"""A word for who may read it; one that nobody knows hides, and `public` does not say that it is published."""
ACCESS = _split("audience access privacy accesslevel contentaccess")
"""Who may read it, where the word is one for that: else these names mean something else."""
EMBARGOES = _split(
    "embargo embargoed embargodate embargountil embargoeduntil embargoends embargoenddate publishon publishat goliveat "
    "golivedate golive livedate scheduledat scheduledfor scheduleddate scheduledpublishtime scheduledpublishdate "
    "scheduledpublishat releaseat availablefrom visiblefrom displayfrom publishfrom notbefore activationdate unlockat "
    "embargotill fieldembargo fieldembargodate publishup"
)
"""Not public before that date; what is no date is an embargo whose end nobody knows."""
PUBLICATIONS = _split(
    "publishdate publishtime publishingdate publicationdate publicationtime publisheddate publishedtime pubdatetime "
    "firstpublishdate firstpublicationdate"
)
"""Dates of publication that others give beside the date of the text: an embargo where they are to come."""
ENDS = _split(
    "expirydate expiry expires expired expiresat expireson expirationdate expirationtime unpublishdate unpublishon "
    "unpublishat availableuntil visibleuntil publishuntil publishend publishdown expireat"
)
"""Not public any more after that date."""
NOTICES = _split("ednote edmsg")
"""What agencies tell editors in words, beside the state of the item."""
TYPO3_TIMES, TYPO3 = _split("starttime endtime"), _split("fegroup tstamp crdate hidden")
"""Its embargo and end, and what its rows have beside them: elsewhere they are times of events."""
BUILDS = _split("build")
"""Hugo: an object with `render` and `list`."""

PUBLIC_WORDS = _split(
    "published publish public live released usable everyone everybody open online final approved featured visible "
    "listed active enabled posted free anyone stat:usable publie publié publiée publicado publicada pubblicato "
    "veröffentlicht gepubliceerd activate"
)
SCHEDULED_WORDS = _split("scheduled schedule future planned queued")
WITHDRAWN_WORDS = _split("withdrawn retracted canceled cancelled killed recalled stat:canceled")
UNLISTED_WORDS = _split(
    "draft drafts private pending review unpublished hidden unlisted internal members paid premium subscribers trash "
    "trashed deleted removed archived archive inherit hold held embargoed withheld founding rejected idea pitch "
    "assigned submitted inactive disabled expired offline wip todo incomplete unapproved secret confidential tiers "
    "stat:withheld prepa prop refuse poubelle brouillon borrador rascunho entwurf bozza concept kladde utkast luonnos "
    "spiked suspended binned modified editing writing proofing copyedit deactivate deactivated"
) | {
    "auto draft", "in review", "pending review", "needs review", "in progress", "on hold", "to do", "not published",
    "soft trashed", "password protected", "members only", "only paid", "only free", "paid members", "specific tiers",
    "awaiting review", "founding members", "copy edit", "copy desk", "legal review", "fact check", "for review",
    "ready for review", "in preparation", "legal check", "do not publish", "awaiting approval", "pending approval",
}  # fmt: skip

_HELD = re.compile(
    r"^\W*+(?:eds?(?:itors?)?\W{1,3})?(?:embargo|sperrfrist)"
    r"|\bembargoed\b|\b(?:embargo|sperrfrist)(?:\s*+:|\s++(?:until|till|to|bis|jusqu|hasta|até|fino|tot|für|for)\b)"
    r"|\bnot (?:yet )?for (?:publication|release|broadcast)\b|\bdo not (?:publish|release|use|run|broadcast)\b"
    r"|\bhold for (?:release|publication)\b",
    re.IGNORECASE,
)
_LIFTED = re.compile(
    r"^\W*+(?:eds?(?:itors?)?\W{1,3})?(?:no(?:t| longer)? embargo(?:ed)?"
    r"|(?:the )?embargo:?(?: (?:is|was|has|been|now))*+ (?:lifted|over|expired|passed|none)|ohne sperrfrist"
    r"|(?:die )?sperrfrist:?(?: (?:ist|wurde))?+ (?:aufgehoben|abgelaufen|keine)|embargo levée?|embargo levantado)"
    r"(?=\s*+(?:[^\w\s]|$))",
    re.IGNORECASE,
)
"""How a note begins: `Not for publication until the embargo is lifted` has the same words and says the reverse."""
_CODE = re.compile(r"[A-Z]{2,3}")
_PLACES = _split("city country county zip zipcode postcode postalcode postal street address province place town")


def is_held_notice(text: str) -> bool:
    """Whether a note to editors asks to keep an item back: `EMBARGOED until Monday`, `Not for publication`."""
    return _HELD.search(_LIFTED.sub("", text)) is not None


def is_place(value: object, beside: Iterable[str]) -> bool:
    """Whether a `state` is one of a country: a code such as `NJ`, or a name beside other parts of an address."""
    if not isinstance(value, str) or not value.strip():
        return not isinstance(value, bool | int)
    word = " ".join(value.lower().replace("-", " ").replace("_", " ").split())
    if word in PUBLIC_WORDS | SCHEDULED_WORDS | WITHDRAWN_WORDS | UNLISTED_WORDS:
        return False
    return bool(_CODE.fullmatch(value.strip())) or not _PLACES.isdisjoint(beside)
