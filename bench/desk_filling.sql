-- Statements of desk_filling.py, in its order; $names are what each database writes in its own way.
INSERT INTO crawl (id, market, queries, state, started_at, counts, problems, demo)
VALUES (1, 'market_1', '[]', 'complete', $now, '{}', '[]', $false);

INSERT INTO seller (id, id_space, native_id, name, first_seen_at, last_seen_at)
SELECT i, 'market_' || (i % $markets), 's' || i, 'Seller ' || i, $now, $now FROM $to_sellers;

INSERT INTO listing (
    id, market, id_space, native_id, url, state, first_seen_at, last_seen_at, seen_in_crawl_id, absent_from_crawls,
    current_observation_id, current_assessment_id, changed_after_decision, demo)
SELECT
    i, 'market_' || (i % $markets), 'market_' || (i % $markets), i || '', 'https://market.example/' || i, 'live',
    $first_seen, $now, 1, 0, i + $before, i, $false, $false
FROM $to_listings;

INSERT INTO observation (
    id, listing_id, crawl_id, observed_at, digest, title, description, price, currency, dimensions, weight_grams,
    seller_id, seller_name, location, ends_at, state, images, sources, problems, folded_text)
SELECT
    s.i + (number.i - 1) * $listings, s.i, 1, s.first_seen, s.i || ':' || number.i, t.title || ' ' || s.i, t.said,
    ((s.i * 37) % 100000) * 100 + number.i,
    CASE WHEN s.i % 3 = 0 THEN 'EUR' WHEN s.i % 3 = 1 THEN 'USD' ELSE 'GBP' END,
    $dimensions, (s.i % 3000) * 10000,
    1 + (s.i * 31) % $sellers, 'Seller ' || (1 + (s.i * 31) % $sellers), t.place,
    CASE WHEN s.i % 5 = 0 THEN NULL ELSE s.ends END, 'live', '[]', '{}', '[]', t.folded || ' ' || s.i
FROM $to_observations
CROSS JOIN (SELECT i, $first_seen AS first_seen, $ends AS ends FROM $to_listings) AS s
JOIN bench_text t ON t.n = s.i % $texts;

INSERT INTO assessment (
    id, listing_id, observation_id, model, score, flagged, band, language, labels, reasons, answers, priority,
    must_be_seen, assessed_at)
SELECT
    i, i, i + $before, 'text-1:bench',
    CASE WHEN $is_hit THEN t.score ELSE 0.01 END,
    CASE WHEN $is_hit THEN $true ELSE $false END,
    CASE WHEN $is_hit THEN t.band ELSE 'weak' END,
    t.language, '[]',
    CASE WHEN $is_hit THEN t.reasons$json ELSE '[]' END,
    CASE WHEN $is_hit THEN t.answers$json ELSE NULL END,
    CASE WHEN $is_hit THEN t.priority ELSE NULL END,
    CASE WHEN $is_hit AND t.priority = 'danger_to_person' THEN $true ELSE $false END,
    $now
FROM $to_listings JOIN bench_text t ON t.n = i % $texts;

INSERT INTO "user" (id, name, role, language, disabled, created_at, second_factor_step)
VALUES (1, 'before', 'reviewer', 'en', $false, $now, 0);

INSERT INTO decision (
    id, listing_id, observation_id, assessment_id, user_id, decided_at, verdict, reason, next_step, request_key)
SELECT i, i * $step, i * $step + $before, i * $step, 1, $now, 'replica', 'replica', 'dismiss', 'bench' || i
FROM $to_decided;

UPDATE listing SET
    current_decision_id = id / $step,
    changed_after_decision = CASE WHEN id / $step % 20 = 0 THEN $true ELSE $false END
WHERE id % $step = 0 AND id / $step <= $decided;

INSERT INTO object (id, created_at) SELECT i, $now FROM $to_pairs;

INSERT INTO object_member (listing_id, object_id) SELECT (i * 2 + $decided) * $step, i FROM $to_pairs;

INSERT INTO object_member (listing_id, object_id) SELECT (i * 2 + 1 + $decided) * $step, i FROM $to_pairs;

INSERT INTO review_sampling (
    id, audit_share, explore_per_market, queue_explore, queue_audit, drawn_to, drawn_from, set_by, set_at)
VALUES (1, 0.02, 5, 0.1, 0.05, $listings, 0, 'bench', $now);

INSERT INTO review_mark (id, listing_id, kind, sampling_id, drawn_at)
SELECT i, i * $step + 1, CASE WHEN i % 3 = 0 THEN 'explore' ELSE 'audit' END, 1, $now FROM $to_drawn;

INSERT INTO capture (
    id, kind, listing_id, url, method, captured_at, media_type, sha256, payload_bytes, decoded_by_browser, state)
SELECT
    i, 'thumbnail', i * $step, 'https://market.example/p/' || i, 'GET', $now, 'image/png', '$picture', 7, $false,
    'COMPLETE'
FROM $to_hits;

DROP TABLE bench_text;
