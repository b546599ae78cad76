"""The words that pages use in many languages for labels, for offers that still stand and for those that are over."""

from __future__ import annotations

import re

LABELS: dict[str, str] = {
    "lot_number": (
        r"lot(?: (?:number|no|nr|#|id))?\.?|numéro (?:de|du) lot|lot n°|n° (?:de |du )?lot|losnummer"
        r"|los[- ]nr\.?|los|lote|lotto|رقم القطعة|رقم اللوت|القطعة رقم"
        r"|kavel(?:nummer|nr\.?)?|лот(?: №)?|לוט"
    ),
    "seller": (
        r"seller|sold by|seller name|seller information|about the seller|vendor|dealer|auction house"
        r"|auctioneer|offered by|posted by|listed by|vendeur|vendu par|annonceur|maison de vente"
        r"|proposé par|détails sur le vendeur|verkäufer|verkauft von|anbieter|auktionshaus|venditore"
        r"|venduto da|vendedor|vendido por|verkoper|sprzedawca|prodejce|продавец|satıcı|ilan sahibi|aangeboden door"
        r"|säljare|sælger|selger|فروشنده|البائع|المعلن"
        r"|اسم البائع|دار المزاد|المتجر|販売者|出品者|卖家|판매자"
        r"|(?:seller|sælgers?|säljarens?|verkäufer|vendeur|anbieter)[-’'s]{0,2} ?profile?"
        r"|publié par|publicado por|organisateur|opérateur de vente|commissaire-priseur|casa d.aste|casa de subastas"
        r"|leiloeira|veilinghuis|auktionshus|auksjonshus|dom aukcyjny|aukční dům|аукционный дом|müzayede evi"
        r"|anunciante|inserzionista|försäljare|myyjä|eladó|vânzător|predajca|продавач|продавець|πωλητής|מוכר"
        r"|בית (?:ה)?מכירות|صاحب (?:ال)?[إا]علان|اسم المعلن|ناشر (?:ال)?[إا]علان"
    ),
    "location": (
        r"(?:item |object |lot |seller |sale |auction )?location|venue|located in|item located in|ships from"
        r"|lieu(?: où se trouve l.objet)?|localisation|ville|emplacement|où se trouve l.objet"
        r"|artikelstandort|standort|auktionsort|ort|lieu de (?:la )?vente|luogo(?: in cui si trova l.oggetto)?"
        r"|ubicación(?: del artículo)?"
        r"|localidad|ubicazione|lokalizacja|местоположение|город|الموقع|المدينة|مكان القطعة|المكان|発送元の地域"
        r"|地域|plaats|konum|şehir|localização|localidade|مکان|شهر|محل"
        r"|adresse?|address|adres|indirizzo|dirección|endereço|адреса?|miejsce|miasto|lokalita|umístění|место|місто"
        r"|розташування|περιοχή|τοποθεσία|מיקום|עיר|plats|beliggenhed|sijainti|paikkakunta|település|località|città"
        r"|ciudad|población|cidade|versandort|abholort|العنوان|المنطقة"
    ),
    "ends_at": (
        r"(?:auction |lot |sale |bidding )?(?:end(?:s|ed)?|close[sd]?|closing)(?: (?:at|on|time|date|in))?"
        r"|end (?:time|date)|closing (?:time|date)|auction (?:date|end(?:s|ed)?)|fin(?: de (?:la "
        r"|l.)?(?:vente|enchère))?|se termine(?: le)?|date de fin|clôture|date de la vente|endet(?: am)?"
        r"|auktionsende|enddatum|auktions(?:datum|termin|tag)|sale date|date of (?:the )?(?:sale|auction)"
        r"|vente (?:le|du)|fecha de (?:la )?subasta|finaliza(?: el)?|data (?:dell.)?asta|fine asta"
        r"|müzayede tarihi|bitiş (?:tarihi|zamanı)|تاريخ المزاد|veilingdatum"
        r"|termina(?: el)?|scade|ينتهي(?: في)?|تاريخ الانتهاء|نهاية المزاد"
        r"|ينتهي المزاد(?: في)?|終了日時|окончание(?: торгов)?|завершение торгов|закінчення(?: торгів)?"
        r"|fermeture|ferme le|clôture (?:le|des enchères)|(?:auktionen )?slut(?:ter|ar|datum|tid|tidspunkt)|avslutas"
        r"|eindigt|eind(?:datum|tijd)|sluit(?: op)?|koniec(?: licytacji| aukcji)?|zakończenie|kończy się"
        r"|data (?:aukcji|zakończenia|do leilão|de (?:término|encerramento))|konec(?: aukce| dražby)?|končí"
        r"|encerra(?: em)?"
        r"|fecha de (?:finalización|cierre|fin)|scadenza|λήξη|ημερομηνία (?:δημοπρασίας|λήξης)|(?:תאריך"
        r"|מועד) (?:ה)?(?:מכירה|סיום)"
        r"|дата (?:торгов|аукциона|окончания)|bitiş|موعد (?:المزاد|الانتهاء|الإغلاق)|يغلق(?: في)?"
        r"|date sold|sold (?:on|date)|vendu le|verkauft am"
    ),
    "starting_bid": (
        r"(?:starting|opening|start|minimum|reserve-free) (?:bid|price)|starts at|mise à prix|prix de départ"
        r"|enchère de départ"
        r"|startpreis|startgebot|mindestgebot|aufruf(?:preis)?|limitpreis|precio (?:de )?salida|puja inicial"
        r"|base d.asta"
        r"|prezzo di partenza|offerta iniziale|açılış fiyatı|başlangıç fiyatı|السعر الابتدائي|سعر البداية"
        r"|سعر الافتتاح"
        r"|سعر البدء|開始価格"
        r"|utrop(?:spris)?|opråb|startbud|startpris|mindstebud|minimumbud|start(?:bod|prijs)|openingsbod"
        r"|cena (?:wywoławcza|początkowa|startowa)|vyvolávací cena|(?:начальная|стартовая) цена|(?:початкова"
        r"|стартова) ціна"
        r"|lance (?:inicial|mínimo)|preço (?:inicial|base)|τιμή εκκίνησης|מחיר פתיחה|kikiáltási ár|preț de pornire"
        r"|lähtöhinta|ausruf(?:preis)?|prezzo base|precio inicial|prix d.ouverture"
    ),
    "current_bid": (
        r"(?:current|high(?:est)?|leading|winning) bid(?: amount)?|enchère (?:actuelle|en cours)|offre actuelle"
        r"|aktuelles (?:höchst)?gebot|höchstgebot|puja actual|oferta actual|offerta attuale|huidig bod|güncel teklif"
        r"|المزايدة الحالية|أعلى مزايدة|السعر الحالي للمزاد|現在価格"
        r"|(?:ledande|högsta|aktuellt|nuvarande|højeste|aktuelt|nuværende|førende|høyeste) bud"
        r"|(?:huidig hoogste|hoogste) bod|(?:obecna|aktualna) (?:cena|oferta)|najwyższa oferta"
        r"|aktuální (?:cena|nabídka)|nejvyšší (?:nabídka|příhoz)|текущая (?:цена|ставка)|поточна (?:ціна|ставка)"
        r"|(?:lance|oferta) atual|maior lance|τρέχουσα (?:προσφορά|τιμή)|υψηλότερη προσφορά|הצעה (?:נוכחית|מובילה"
        r"|גבוהה)"
        r"|מחיר נוכחי|korkein tarjous|(?:aktuális|legmagasabb) licit|güncel fiyat|son teklif|en yüksek teklif"
        r"|dernière enchère|meilleure (?:offre|enchère)|puja más alta|السومة الحالية|آخر مزايدة|أعلى (?:عرض|سومة)"
    ),
    "bids": (
        r"(?:number of |total |# of )?bids|bid count|(?:nombre d.)?enchères|(?:anzahl )?(?:der )?gebote"
        r"|(?:número de )?pujas"
        r"|numero (?:di )?offerte|biedingen|teklif sayısı|عدد (?:المزايدات|العروض)|المزايدات|入札件数"
        r"|(?:antal )?bud|aantal biedingen|ставок|ставки|liczba ofert|počet příhozů|lances|προσφορές|הצעות"
    ),
    "size": (
        r"(?:item |object |overall |approx(?:imate)?\.? )?(?:size|dimensions?|measurements?|measures)|taille"
        r"|abmessungen|maße"
        r"|größe|misure|dimensioni|medidas|dimensiones|afmetingen|wymiary|размеры?|ölçüler|(?:ال)?قياسات?"
        r"|(?:ال)?مقاسات?"
        r"|المقاس|الأبعاد|サイズ|尺寸"
    ),
    "measure": (
        r"height|width|length|depth|diameter|thickness|hauteur|largeur|longueur|profondeur|diamètre|épaisseur|höhe"
        r"|breite"
        r"|länge|tiefe|durchmesser|dicke|altezza|larghezza|lunghezza|profondità|diametro|altura|anchura|ancho"
        r"|longitud"
        r"|diámetro|высота|ширина|длина|диаметр|(?:ال)?ارتفاع|الإرتفاع|(?:ال)?عرض|(?:ال)?طول|(?:ال)?قطر|(?:ال)?عمق"
        r"|السماكة"
    ),
    "weight": r"(?:item |object )?weight|wt\.?|poids|gewicht|peso|waga|вес|ağırlık|(?:ال)?وزن|重量|重さ",
    "price": (
        r"(?:current |starting |opening |high(?:est)? |winning |sale |asking |our |buy[ -]it[ -]now )?(?:bid"
        r"|price)|current bid amount|prix(?: actuel| de départ| de vente)?|enchère(?: actuelle"
        r"| en cours)?|mise à prix|preis|kaufpreis|aktuelles gebot|startpreis|precio(?: actual)?|prezzo"
        r"|offerta attuale|cena|цена|السعر|سعر|المزايدة الحالية|السعر الحالي|السعر الابتدائي|أعلى مزايدة"
        r"|価格|現在価格|가격|售价|價格|直購價|قیمت(?: کل| پایه| نقدی)?|fiyat[ıi]?|prijs|vraagprijs|pris|preço"
        r"|precio de venta|prezzo di vendita|prix demandé"
        r"|price realised|price realized|hammer price|sold(?: for| price)?|vendu(?: pour| à)|verkauft für"
        r"|prix d.adjudication|adjugé|résultat|zuschlag"
        r"|aggiudicato a|adjudicado|سعر البيع|بيع بسعر"
        r"|slutpris|klubbat pris|hamm[ae]rslag|hamerprijs|verkoopprijs|cena (?:sprzedaży|końcowa)|цена продажи"
        r"|стоимость"
        r"|ціна|τιμή|מחיר|ár|preț|hinta"
    ),
    "estimate_low": r"low(?:er)? estimate|estimate low|estimation basse|untere schätzung|stima minima|estimación baja",
    "estimate_high": r"(?:high|upper) estimate|estimate high|estimation haute|obere schätzung|stima massima",
    "estimate": (
        r"estimate[ds]?|est\.?|estimated value|estimation|schätzpreis|schätzung|estimación|stima|التقدير"
        r"|القيمة التقديرية"
        r"|vurdering|utropsvärdering|värdering|taksering|taxatie|richtprijs|estymacja|wycena|odhad|эстимейт|оценка"
        r"|estimativa"
        r"|εκτίμηση|הערכה|becsült ár|arvio|tahmini (?:değer|fiyat)|taxe|estim\."
    ),
}
LABEL = re.compile(
    r"\A\W*(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in LABELS.items()) + r")\s*(?:[:：﹕]|\Z)\s*",
    re.I,
)
STILL_OFFERED = re.compile(
    r"\A\W*(?:add to (?:cart|basket|bag)|buy (?:it )?now|place (?:a )?bid|bid now|make (?:an )?offer"
    r"|contact (?:the )?(?:seller|advertiser)|reply|reply to this post|send (?:a )?message"
    r"|ajouter au panier|acheter|achat immédiat|enchérir|contacter(?: le vendeur| l.annonceur)?"
    r"|faire une offre|in den (?:warenkorb|einkaufswagen)|sofort-kaufen|jetzt kaufen|bieten"
    r"|nachricht (?:senden|schreiben)|anbieter kontaktieren|kontaktieren"
    r"|añadir (?:al carrito|a la cesta)|comprar(?: ahora| ya)?|agregar al carrito"
    r"|aggiungi al carrello|compralo subito|acquista|adicionar ao carrinho|dodaj do koszyka"
    r"|do koszyka|kup teraz|do košíku|přidat do košíku|pridať do košíka|do košíka|dodaj v košarico"
    r"|v košarico|dodaj u košaricu|adaugă în coș|adauga in cos|kosárba|lisa (?:ostu)?korvi|osta"
    r"|lägg i varukorgen|köp|kjøp|læg i kurv|in winkelwagen|sepete ekle|hemen al"
    r"|в корзину|купить(?: сейчас| в 1 клик)?|добавить в корзину|написать|أضف إلى (?:السلة"
    r"|عربة التسوق|سلة التسوق|الحقيبة)|اشتر الآن|اشتري الآن|شراء|زايد الآن|قدم عرض|تواصل مع البائع"
    r"|اتصل بالبائع|購入手続きへ|カートに入れる|かごに追加|加入購物車|加入购物车|立即購買|直接購買|放入購物車"
    r"|장바구니(?:에)?(?: 담기)?|구매하기|바로구매|선물하기"
    r"|chat with (?:the )?seller|chat now|make (?:an )?enquiry|enquire(?: now)?|inquire|order now|pre-?order(?: now)?"
    r"|register to bid|leave (?:a |an )?(?:max(?:imum)? |absentee )?bid|show (?:phone )?(?:number|contact)|buy"
    r"|commander|envoyer un message|afficher le numéro|voir le numéro|laisser un ordre(?: d.achat)?|bestellen"
    r"|kaufen|mitbieten|jetzt bieten|gebot abgeben|anfrage senden|in den korb|zum warenkorb hinzufügen"
    r"|contatta(?:ci| il venditore| l.inserzionista)?|fai (?:una )?(?:proposta|un.offerta)|metti nel carrello"
    r"|invia (?:un )?messaggio|contactar(?: con)?(?: (?:el |al )?vendedor| o anunciante)?|pujar(?: ahora)?"
    r"|hacer oferta"
    r"|comprar agora|ver (?:el )?teléfono|dar um lance|zamów|kup|kup teraz|dodaj|licytuj|napisz wiadomość"
    r"|koupit|kúpiť"
    r"|vložit do košíku|vložiť do košíka|koupit hned|kosárba teszem|kosárba rakom|megveszem|cumpără(?: acum)?"
    r"|adaugă în coşul meu|dodaj u (?:korpu|košaricu)|u (?:korpu|košaricu)|купи|добави в количката|купити"
    r"|у кошик|до кошика|додати (?:в|до) кошика?|оформить заказ|lägg i (?:kundvagn(?:en)?|varukorg)|köp nu"
    r"|legg i handlekurv(?:en)?|læg i (?:indkøbs)?kurv|tilføj til kurv|lisää ostoskoriin|osta nyt|ostoskoriin"
    r"|koop nu|nu kopen|bestel(?: nu)?|bieden|plaats bod|satın al|sepete at|teklif ver|mesaj gönder"
    r"|προσθήκη στο καλάθι|στο καλάθι|αγορά|הוסף לסל|הוספה לסל|קנה עכשיו|thêm vào giỏ(?: hàng)?|mua ngay"
    r"|หยิบใส่ตะกร้า|เพิ่มลงตะกร้า|ซื้อเลย|ซื้อสินค้า|beli sekarang|\+? ?keranjang|tambah ke troli"
    r"|اتصل(?: الآن)?|مراسلة|راسل البائع|اضف (?:إلى|الى) السلة|أضف للسلة|اشتري|تسوق الآن|زايد|ضع مزايدة|المحادثة"
    r"|カートへ入れる|カートに追加|今すぐ買う|今すぐ購入|購入する|入札する|買い物かごに入れる"
    r"|加到購物車|放入购物车|立即购买|马上购买|立刻購買|我要買|出價)\W*\Z",
    re.I,
)
_STOCK_LABEL = (
    r"(?:(?:availability|status|stock|verfügbarkeit|disponibilité|disponibilità|disponibilidad|dostępność"
    r"|dostupnost|dostupnosť|elérhetőség|наличие|التوفر|حالة التوفر|الحالة)\s*[:：]\s*)?"
)
"""What may stand before the word in the same text."""
GONE = re.compile(
    rf"\A\W*{_STOCK_LABEL}"
    r"(?:sold out|out of stock|sold|item sold|no longer available|this (?:listing|item|lot"
    r"|auction) (?:has|was) (?:ended|sold)|bidding (?:has )?ended|auction ended|épuisé"
    r"|rupture de stock|vendu|adjugé|vente terminée|enchère terminée|ausverkauft|verkauft"
    r"|nicht (?:mehr )?verfügbar|agotado|vendido|esaurito|venduto|vyprodáno|vypredané|wyprzedane"
    r"|нет в наличии|продано|نفدت الكمية|غير متوفر(?: في المخزون)?"
    r"|تم البيع|مباع|انتهى المزاد|売り切れ(?:ました)?|売切れ|已售完"
    r"|품절|일시품절|매진|缺貨|售完|完售|已售罄|补货中|暂时缺货|在庫切れ|在庫なし"
    r"|(?:currently|temporarily) (?:unavailable|out of stock)|not available|unavailable|not in stock"
    r"|unsold|bought in|(?:lot|auction|bidding|sale) (?:is )?(?:closed|over|passed|withdrawn)|lot withdrawn"
    r"|indisponible|non disponible|produit indisponible|invendu|retiré de la vente|vente clôturée"
    r"|nicht auf lager|nicht lieferbar|momentan nicht (?:verfügbar|lieferbar)|auktion beendet|angebot beendet"
    r"|sin stock|sin existencias|no disponible|subasta finalizada|esgotado|indisponível|produto indisponível"
    r"|non disponibile|asta (?:terminata|conclusa)|uitverkocht|niet op voorraad|veiling gesloten|udsolgt|utsolgt"
    r"|slutsåld|slut i lager|loppuunmyyty|tükendi|stokta yok|elfogyott|nincs (?:készleten|raktáron)"
    r"|stoc epuizat|indisponibil|brak w magazynie|(?:produkt )?niedostępny|není skladem|nie je na sklade"
    r"|rasprodano|razprodano|ni na zalogi|нема(?:є)? в наявності|товар закончился|нет на складе|изчерпан"
    r"|εξαντλημένο|אזל מהמלאי|hết hàng|สินค้าหมด|stok habis|غير متاح|نفذت الكمية|نفذ من المخزون|انتهت المزايدة"
    r"|تم بيعه|بيعت"
    r"|(?:sorry,? )?(?:this|the) (?:item|lot|listing|product|piece|artwork|auction|sale|ad)"
    r" (?:is|has been|has|was) (?:now |already |currently )?(?:sold(?: out)?|ended|unavailable|out of stock|closed"
    r"|no longer available|withdrawn|expired|passed)|passed(?: in)?|withdrawn|not sold|no longer for sale"
    r"|non vendu|cet (?:article|objet|lot) (?:est|a été) vendu|cette annonce (?:est désactivée|n.est plus disponible)"
    r"|(?:nicht|un)verkauft|nicht verkauft|(?:niet |ikke )?(?:verkocht|solgt)|o?såld|niet (?:meer )?beschikbaar"
    r"|(?:nie ?)?sprzedan[eoy]|aukcja zakończona|ogłoszenie nieaktualne|predané|prodán[oa]?|eladva|vândut"
    r"|πουλήθηκε|πωλήθηκε|(?:לא )?נמכר|satıldı|satılmıştır|(?:no|não) vendid[oa]|vendid[oa]|agotad[oa]|invenduto"
    r"|(?:торги|аукцион) заверш[её]н[ыо]?|снят с продажи|продан[ао]?|kifogyott|avslutad|avsluttet)\W*\Z",
    re.I,
)
IN_STOCK = re.compile(
    rf"\A\W*{_STOCK_LABEL}"
    r"(?:[0-9]{1,4}\s+)?(?:in stock(?: now| online)?|available(?: now| online)?|only \d+ (?:left"
    r"|in stock)(?: in stock)?|en stock"
    r"|últim[ao]s? (?:unidad(?:es)? )?disponibles?|last (?:one|piece)(?: available| left)?"
    r"|nur noch \d+ (?:stück )?verfügbar"
    r"|plus que \d+ (?:en stock|disponibles?)|solo \d+ disponibil[ei]|(?:quedan|restam) \d+"
    r"|disponible|auf lager|lieferbar|sofort lieferbar|disponibile"
    r"|em stock|skladem|na sklade|na zalogi|na stanju|raktáron|laos|på lager|i lager|op voorraad"
    r"|stokta|в наличии|есть в наличии|متوفر|متاح|متوفر في المخزون|在庫あり|有現貨|有货|现货|재고 있음"
    r"|verfügbar|sofort verfügbar|vorrätig|disponible immédiatement|disponibilità immediata|en existencia"
    r"|disponível|em estoque|dostępny|w magazynie|skladom|ihned k odeslání|készleten|azonnal|în stoc|in stoc"
    r"|varastossa|i varastossa|op voorraad|stokta var|є в наявності|в наявності|на складе|налично|на склад"
    r"|διαθέσιμο|σε απόθεμα|במלאי|còn hàng|มีสินค้า|stok tersedia)"
    r"(?:\s*[(:,>-]*\s*[<>+]?\s*\d+\+?"
    r"(?: ?(?:pcs|pieces?|units?|stk\.?|stück|ks|szt\.?|db|шт\.?|قطعة|قطع|個|件))?\)?)?\W*\Z",
    re.I,
)
BID_COUNT = re.compile(
    r"\A\W*+\d++\s*+(?:bids?|enchères?|offres?|gebote?|offerte|pujas?|biedingen|lances|ofert|مزايدات"
    r"|مزايدة|عروض|عرض|入札)(?!\w)",
    re.I,
)
STOCK_WORDS = re.compile(
    r"stock|lager|stoc|stok|نفد|نفذ|متوفر|متاح|нали[чв]|наявності|складе|закончился|verfügbar|available|lieferbar"
    r"|dispon|existencias|indispon|voorraad|készlet|raktár|magazyn|niedostępny|sklad|zalogi|在庫|缺貨|缺货|אזל|hết",
    re.I,
)
PRICE_LABEL_INLINE = re.compile(
    r"(?:price|prix|preis|prezzo|precio|preço|cena|цена|السعر|سعر|價|价|価格|가격)\s*[:：]\s*(?P<money>[^。;|]{1,30})",
    re.I,
)
DESCRIPTION_HEADING = re.compile(
    r"\A\W*(?:(?:product |item |lot |full |detailed |seller.s )?descriptions?|about this (?:item|product|lot|object)"
    r"|item details|product (?:details|information|overview)|overview|lot essay|catalogue (?:note|entry)|details"
    r"|(?:produkt|artikel|los)?beschreibung|objektbeschreibung|beschreibung des (?:artikels|loses)|artikeldetails"
    r"|description (?:du (?:produit|lot|bien)|de l.(?:objet|article|annonce)|détaillée)"
    r"|détails(?: du (?:produit|lot))?"
    r"|à propos de cet (?:objet|article)|en savoir plus|descrizione(?: (?:del (?:prodotto|lotto)|completa))?"
    r"|descripción(?: (?:del (?:producto|lote|artículo)|detallada))?|detalles del producto|descrição(?: do produto)?"
    r"|(?:product)?omschrijving|beschrijving|opis(?: (?:produktu|przedmiotu))?|popis(?: (?:produktu|předmětu))?"
    r"|leírás"
    r"|beskrivning(?: av (?:objektet|varan))?|beskrivelse(?: af varen)?|kuvaus|açıklama(?:lar)?|ürün açıklaması"
    r"|описание(?: (?:товара|лота))?|опис(?: товару| лота)?"
    r"|περιγραφή"
    r"|(?:ال)?وصف(?: (?:المنتج|السلعة|القطعة|الإعلان))?|تفاصيل(?: (?:المنتج|الإعلان|القطعة|السلعة))?|المواصفات والوصف"
    r"|توضیحات|商品説明|商品描述|商品介紹|商品介绍|상품설명|תיאור(?: המוצר)?)\W*\Z",
    re.I,
)
"""Headings over the text of an offer."""
ASKED_INLINE = re.compile(
    r"(?<!\w)(?:asking(?: price)?(?: is)?|price(?: is)?|i want|prix(?: demandé)?|je demande|vendu à|preis|vb"
    r"|festpreis"
    r"|precio|pido|prezzo|chiedo|fiyat[ıi]?|prijs|vraagprijs|السعر|سعر|المطلوب|مطلوب|بسعر|السوم|الحد)\s*[:：=]?\s*"
    r"(?P<money>(?:[$€£]|[A-Z]{3}|د\.إ|ر\.س)?\s?[\d٠-٩][\d٠-٩.,'٬٫]*(?:\s(?=[^\W\d_]|[$€£]))?(?:[$€£]|[A-Z]{3}\b"
    r"|euros?|dollars?|TL|درهم|دينار|ريال|جنيه|ليرة|دولار)?(?:\s(?:سعودي|قطري|عماني|إماراتي|أردني|كويتي|مغربي"
    r"|تونسي|مصري))?)",
    re.I,
)
"""A price in the running text of an advert, with the word that asks for it."""
