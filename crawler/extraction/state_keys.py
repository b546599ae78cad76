"""What the keys of embedded JSON mean: the field that each stands for, whatever a site puts before or behind it."""

from __future__ import annotations

import re
from functools import lru_cache

_KEYS: dict[str, list[str]] = {
    name: keys.split()
    for name, keys in {
        "title": """
            lottitle itemtitle producttitle productname itemname adtitle title name headline subject titre
            displaytitle displayname""",
        "description": """
            description lotdescription longdescription itemdescription fulldescription productdescription
            styleddescription catalogdescription cataloguedescription htmldescription
            body bodyhtml details content text shortdescription""",
        "price": """
            hammerpremium pricerealised pricerealized realizedprice soldamount pricesold hammerprice hammer
            currentbid currentbidamount localizedcurrentbidamount leadingbid highbid highestbid
            currentprice saleprice finalprice pricewithdiscount sellingprice price priceamount pricevalue
            amountasked askingprice buynowprice fixedprice unitprice salesprice lowprice minimumbid
            startingbid startprice startingprice openingbid startbid localizedstartbidamount
            currentpricevalue prices pricing pricerange priceinfo prix preis soldprice regularprice rent
            pricecents priceincents amountcents amountincents centamount""",
        "currency": """
            currency currencycode pricecurrency currencyiso currencyid currencyisocode""",
        "estimate_low": """
            estimatelow lowestimate lowbidestimate lowestimateamount estimatemin minestimate estimatefrom
            estimate estimates estimation estimaterange""",
        "estimate_high": """
            estimatehigh highestimate highbidestimate highestimateamount estimatemax maxestimate estimateto""",
        "seller": """
            sellername seller sellerinfo sellerinformation vendor vendorname dealer dealername auctionhouse
            auctionhousename housename auctioneer shopname shop storename store owner ownername advertiser user member
            username landlordname landlorddisplayname agentname agencyname""",
        "location": """
            location itemlocation locationname city cityname locality place town address region country""",
        "ends_at": """
            biddingendtime auctionendtime auctionenddate auctionend lotendtime lotenddate endsat endat
            endtime enddatetime enddate closeat closesat closingtime closetime closingdate closingat
            closedate saleendts endts endtimestamp itemenddate availabilityends saleend salestartts
            salestart""",
        "lot_number": """
            lotnumber lotno lotnr lotnum lotlabel lotnumberlabel lotdisplaynumber lot lotid""",
        "availability": """
            availability availabilitystatus stockstatus stockstate stocklevelstatus instock isinstock isavailable
            available status itemstatus state""",
        "images": """
            images photos pictures imageurls imgsurls imgurls photourls gallery imagelist medias media
            image photo imageurl mainimage originalimageurl picture thumbnails thumbnail thumbnailurl coverimage
            thumbimageurl thumburl thumb photopath imagepath""",
        "url": """
            url itemurl loturl href link permalink canonicalurl producturl weburl slug path detailurl
            pathname""",
        "id": """
            id itemid lotid productid adid sku uid uuid listingid lotno articleid offerid code""",
    }.items()
}
"""Keys by field, most telling first, in lower case without separators."""
_FIELD_OF = {key: (name, rank) for name, keys in reversed(_KEYS.items()) for rank, key in enumerate(keys)}
RANKS = {name: {key: rank for rank, key in enumerate(keys)} for name, keys in _KEYS.items()}
ELSEWHERE = frozenset(
    [
        "similar",
        "related",
        "recommend",
        "recommended",
        "suggest",
        "breadcrumb",
        "menu",
        "navigation",
        "footer",
        "header",
        "translations",
        "messages",
        "filters",
        "facets",
        "categories",
        "feedbacks",
        "reviews",
        "ads",
        "banners",
        "shipping",
        "experts",
        "bidhistory",
        "history",
    ]
)


_BESIDES = ("similar", "related", "recommend", "suggest", "alsobought", "alsoviewed", "youmay", "recentlyviewed")
WRAPPERS = frozenset(
    [
        *("node", "item", "source", "data", "product", "listing", "document", "doc"),
        *("attributes", "fields", "post", "ad", "lot", "hit", "card"),
    ]
)
"""Keys under which an entry of a list holds the thing itself: {"node": {...}, "cursor": ...}."""
_NOUNS = frozenset(
    ["item", "goods", "product", "ec", "lot", "ad", "listing", "offer", "article", "rental", "total", "computed", "web"]
)
"""What a site puts before a key for its own good: `goods_price`, `product_name`, `ec_title`."""
_LANGUAGES = frozenset(
    [
        *("ar", "en", "fr", "de", "es", "it", "tr", "nl", "fa", "he", "ru", "local", "localized"),
        *(
            "arabic",
            "english",
            "french",
            "german",
            "spanish",
            "italian",
            "turkish",
            "dutch",
            "persian",
            "hebrew",
            "russian",
        ),
    ]
)
_VERSION = re.compile(r"_?[Vv]\d\Z")
_KEY_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=16_384)
def plain_key(key: object) -> str:
    return re.sub(r"[^0-9a-z]", "", str(key).lower())


@lru_cache(maxsize=16_384)
def _core_key(key: str) -> str:
    """A key without the noun before it and the language beside it: "price" of `goods_price`, "title" of `titleAr`."""
    parts = [part.lower() for part in _KEY_PARTS.findall(_VERSION.sub("", key[:60]))]
    while len(parts) > 1 and parts[0] in _NOUNS | _LANGUAGES:
        del parts[0]
    while len(parts) > 1 and parts[-1] in _LANGUAGES:
        del parts[-1]
    return "".join(parts)


@lru_cache(maxsize=65_536)
def rank_in(name: str, key: str) -> int | None:
    """How telling a key is for a field, 0 most; None where it is not one of the field's."""
    ranks = RANKS[name]
    rank = ranks.get(plain_key(key))
    if rank is None:
        rank = ranks.get(_core_key(key))
        rank = None if rank is None else rank + len(ranks)
    return rank


@lru_cache(maxsize=16_384)
def field_of(key: str) -> str:
    """The field that a key stands for, or ""."""
    found = _FIELD_OF.get(plain_key(key)) or _FIELD_OF.get(_core_key(key))
    return found[0] if found else ""


@lru_cache(maxsize=16_384)
def leads_elsewhere(key: str) -> bool:
    """Whether what stands under a key is something other than the page's own offer: similar ones, menus, reviews."""
    plain = plain_key(key)
    return plain in ELSEWHERE or plain.startswith(_BESIDES)
