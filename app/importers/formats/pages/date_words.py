"""The words by which web pages say what a date is of: its article, a change, or something else. Patterns only.

Never decides which date counts.
"""

import re


def _make_pattern(words: str, glued: str = "") -> re.Pattern[str]:
    """Any of the words, one a line; `glued` are those of scripts that put no space behind them."""
    spaced = "|".join(line.strip() for line in words.strip().splitlines())
    return re.compile(rf"(?<!\w)(?:{spaced})(?!\w)" + (rf"|{glued}" if glued else ""), re.IGNORECASE)


CHANGED = _make_pattern(
    r"""
    (?:last\s+)?(?:updated?|modified|changed|revised|edited|reviewed)(?:\s+(?:on|at))?
    zuletzt\s+\w+|(?:letzte\s+)?aktualisier\w*|geändert|(?:letzte\s+)?änderung|überarbeitet|stand
    mise?\sà\sjour|modifié\w*|actualizad[oa]\w*|actualización|modificad[oa]|aggiornat[oa]|aggiornamento|ultima\smodifica
    atualizad[oa]|atualização|bijgewerkt|gewijzigd|uppdaterad\w*|oppdatert|opdateret|päivitetty|aktualizováno
    zaktualizowano|aktualizacja|обновлен\w*|оновлен\w*|изменен\w*|güncelle\w*|frissítve|actualizat\w*|ενημερώ\w*
    """,
    "更新日?時?间?|최종수정|수정|تحديث|ویرایش|به‌روز|עודכן",
)
LABEL = _make_pattern(
    r"""
    (?:first\s+)?(?:published|posted|created|written|added|submitted|issued|released|uploaded|filed|dated?|time)(?:\s+(?:on|at|in))?
    pub(?:lication)?\.?\s+date|(?:veröffentlicht|erschienen|erstellt|geschrieben|eingestellt)(?:\s+am)?|datum
    (?:publié|posté|créé)\w*(?:\s+le)?|paru\sle|mis\sen\sligne(?:\s+le)?|publicad[oa]\w*(?:\s+(?:el|em))?|fecha|data
    pubblicat[oa](?:\s+il)?|(?:geplaatst|gepubliceerd)(?:\s+op)?|publicerad\w*|publisert|udgivet|publiceret|julkaistu
    publikováno|vydáno|opublikowano|data\spublikacji|dodano|опубликован\w*|опубліковано|дата|yayınlan\w*|tarih\w*|eklenme
    megjelent|publicat\w*(?:\s+(?:la|pe|el))?|δημοσιεύ\w*
    """,
    "發布|发布时间?|發佈|公開日?|掲載日?|投稿日?|入力|입력|등록|승인|(?:تم )?نشره?|تاریخ|انتشار|פורסם",
)
NOT_ITS = re.compile(
    r"©|\(c\)|(?<!\w)(?:copyright|all rights|alle rechte|tous droits|reserved|since|seit|founded|established|expires?|"
    r"deadline|registered|joined|birth|geburt|naissance|nacimiento|member since|retrieved|accessed|abgerufen|"
    r"last visit|logged|born|geboren|next|event|valid)(?!\w)|出生",
    re.IGNORECASE,
)
"""Copyrights, births, members, meetings: what else stands in short lines with a date."""
ELSEWHERE = re.compile(
    r"comment|kommentar|repl(?:y|ies)\b|respond|disqus|related|similar|recommend|sidebar|side-bar|popular|teaser|trending|"
    r"(?<!elementor-)widget(?! Blog)|latest|recent|most-?read|newsticker|carousel|slider|copyright|archive|calendar|"
    r"event-?list|breaking|promo(?!t)|sponsor|banner|cookie|consent|navi?gation|breadcrumb|read-?more|more-?from|mehr-zum",
    re.IGNORECASE,
)
"""Names of classes of what stands beside an article."""
ANOTHERS = re.compile(r"comment|kommentar|repl(?:y|ies)\b|related|similar|recommend|popular|teaser|latest|recent", re.I)
"""Those of them that have articles and dates of their own."""
BEFORE = re.compile(r"(?<=\s)(?:am|vom|on|le|el|em|il|op|den)(?=\s+\S{0,12}\d)", re.IGNORECASE)
"""What joins a date to the name before it."""
SEPARATOR = re.compile(
    r"\s*[|·•–—»›/]\s+|\s+[-/]\s+|[\n\t\r\u2003]+|\s{2,}|,\s+|:\s+|\s*[\[\]()（）【】]\s*|;\s*|"
    r"\s+(?:by|von|par|por|di|da|door|av|af|od|przez|from|in|under|bei|to|with|@)\s+",
    re.IGNORECASE,
)
