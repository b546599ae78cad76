"""The rules that a bundle must keep, each by a name: what `verify` says was broken, so that a court can look it up.

A fault is told as a sentence where it is found; which rule it breaks is read from the sentence here, in one place. A
sentence that fits none breaks the rule of its check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    meaning: str
    sentence: re.Pattern[str]


def _rule(name: str, meaning: str, sentence: str) -> Rule:
    return Rule(name, meaning, re.compile(sentence, re.DOTALL))


RULES = (
    # -- the package
    _rule("zip.whole", "The zip is whole and is one.", r"so it is no zip|so it was cut short|was cut short|copy the bundle again|table of contents of the zip cannot|needs more memory"),
    _rule("zip.hidden-bytes", "No byte lies between, before or after the zip's entries.",
          r"bytes (?:between|after|are hidden)|lies outside the room|hidden or shared|bytes were put in or taken out"),
    _rule("zip.form", "Every entry is stored as relicwatch packs it: no extras, fixed time, plain table of contents.",
          r"not as relicwatch packs it|entries but lists"),
    _rule("zip.crc", "Every entry matches its CRC-32.", r"the zip's checksum"),
    _rule("name.plain", "Names are plain ASCII, relative, without .. or device names, up to 100 characters.",
          r"may stand in a bundle|no file inside the bag|directory at the top"),
    _rule("name.case", "No two names differ in case alone.", r"differs? from another name only in case|stands in the zip more than once"),
    _rule("name.kind", "There are files and directories only, and no empty directory.",
          r"is a link or special file|is an empty directory"),
    # -- the bag
    _rule("bag.declaration", "bagit.txt declares a BagIt 1.0 bag in UTF-8.", r"is not the declaration"),
    _rule("bag.top", "The directory in the zip bears the signed name.", r"the directory in the zip is called|one directory at its top"),
    _rule("bag.info", "bag-info.txt holds each label once, the right Payload-Oxum and the bundle's name.",
          r"^bag-info\.txt (?:line|has|states|does not tell|is missing)"),
    _rule("manifest.form", "Manifests are lines of digest and plain path, in order, each path once.",
          r"is not text of whole lines|no digest with a plain path| lists \S+ twice|belongs in the other|not in order of"
          r" path|longer than that of any bundle"),
    _rule("manifest.digest", "Every payload file has the SHA-256 of manifest-sha256.txt.",
          r"does not match its SHA-256 in manifest-sha256"),
    _rule("tagmanifest.digest", "Every tag file has the SHA-256 of tagmanifest-sha256.txt.",
          r"does not match its SHA-256 in tagmanifest"),
    _rule("bag.added", "No file is in the bundle that no manifest lists.", r"is in the bundle but in no manifest"),
    _rule("bag.missing", "Every listed file is there.", r"listed in \S*manifest\S* but missing|so the bundle cannot be judged"),
    _rule("bag.unlisted", "The files that every bundle has are listed.", r"is not listed in \S*manifest"),
    _rule("bag.place", "No file lies where a bundle has none.", r"has no place in (?:a bundle|tagmanifest)"),
    # -- the signature and its time
    _rule("signature.signer", "The signature is by signer.crt and no other.",
          r"certificate inside the signature|names another certificate|not made by the key|names another signer"),
    _rule("signature.digest", "The signature is over exactly these bytes.", r"signed digest is not that|another kind of content"),
    _rule("signature.form", "The signature is one CMS SignedData as relicwatch writes it.", r"\.p7s: "),
    _rule("signature.certificate", "signer.crt is one sound certificate, valid when it signed.",
          r"no certificate in PEM|not one certificate in plain|signed outside the time"),
    _rule("stamp.imprint", "A time stamp is over these bytes.", r"token is over other bytes"),
    _rule("stamp.signature", "A time stamp is signed for time stamping, up to a trusted certificate.",
          r"token's signature does not hold"),
    _rule("stamp.form", "A time stamp is one RFC 3161 answer, granted.",
          r"answer (?:cannot be read|holds more)|refused the request|larger than any time stamp|under policy"),
    _rule("stamp.authority", "The certificates a time stamp is judged by are there.", r"by which it is judged|holds no certificates"),
    _rule("stamp.stale", "A time stamp is not older than what it stamps.", r"older than the signature"),
    _rule("stamp.tree", "Each capture's way leads up to the stamped root.",
          r"no root of a tree|names no capture$|which is the digest of nothing|does not lead to the root|which it stamps, is"
          r" missing|stamps/\S+\.json "),
    # -- captured records
    _rule("wacz.digest", "Every file of a WACZ has the sha256 digest of its datapackage.json, and that its own.",
          r"does not match (?:its digest in datapackage|datapackage-digest)|no sha256 digest in datapackage|another size than"
          r" datapackage|something other than the digest"),
    _rule("wacz.listed", "A WACZ's datapackage.json lists every file once, and all are there.",
          r"datapackage\.json(?: but missing)?$|listed twice in datapackage|datapackage(?:-digest)?\.json is missing"),
    _rule("wacz.version", "A WACZ is of the version that relicwatch writes.", r"is not of WACZ"),
    _rule("wacz.index", "The index says what the WARC files hold.", r"index\S* (?:does not|cannot|is missing)|idx does not fit"),
    _rule("wacz.pages", "The page list names one page that a record holds.", r"pages\.jsonl|names another main page"),
    _rule("wacz.warc", "archive/ holds WARC files with records.", r"is no \.warc\.gz file|holds no WARC record"),
    _rule("warc.digest", "Every record matches its sha256 block and payload digests.",
          r"WARC-(?:Block|Payload)-Digest|payload digest that is not sha256"),
    _rule("warc.whole", "Every WARC file is whole gzip members, one for each record.",
          r"record (?:at|before) byte \d+ (?:is cut short|is damaged|reaches beyond|unpacks to more|is not of the length|holds no whole|has no whole)|unpack to more than"),
    _rule("warc.revisit", "Every revisit refers to a record of the bundle with the same payload.", r"revisit record"),
    _rule("warc.identity", "No two records carry one id.", r"carry the WARC-Record-ID"),
    _rule("warc.pairs", "Every response has its request, of the same address and time.", r"belongs to no response|has no request"),
    _rule("warc.form", "WARC files are in the form of WARC 1.1, warcinfo first.", r"archive/\S+: |warcinfo"),
    # -- what is said of them
    _rule("json.form", "JSON files are well formed, bounded, each key once.", r"twice in one object|JSON|nested deeper|is larger than any|holds (?:more values|a number)"),
    _rule("item.parts", "Each item has its Object ID, observations, opinion and decisions, of the same item.",
          r"is missing$|is of another item|is of no item|data/items holds no item"),
    _rule("item.capture", "item.json tells each capture as its record or file does.",
          r"data/items/\d+/item\.json: (?:capture|picture|it (?:names|does not name|does not tell|tells of the capture))"),
    _rule("item.story", "item.json tells redirects, times, state and page as the records do.", r"data/items/\d+/item\.json: "),
    _rule("demo", "All places agree on whether this is a DEMO.", r"says DEMO"),
    _rule("custody.chain", "Custody entries match their hashes and follow one another.",
          r"custody\.json: (?:entry|the link|its entries)"),
    _rule("custody.sealed", "The custody log tells of the sealing of every WARC file.", r"no entry tells of the sealing"),
    _rule("custody.form", "The custody log holds entries.", r"data/custody/custody\.json"),
)  # fmt: skip
OTHER = Rule("other", "What no rule above names.", re.compile(""))
_FILE = re.compile(r"(?:data|signatures)/[A-Za-z0-9._/-]*[A-Za-z0-9]|[A-Za-z0-9-]+\.(?:txt|html|json|zip)")


@dataclass(frozen=True, slots=True)
class NamedFault:
    rule: str
    file: str | None
    """The first file that the sentence names."""
    sentence: str


def named(sentence: str) -> NamedFault:
    """A fault with the rule that it breaks."""
    rule = next((one for one in RULES if one.sentence.search(sentence)), OTHER)
    file = _FILE.search(sentence)
    return NamedFault(rule.name, file[0] if file else None, sentence)
