-- The rows, by row number. $$drawN is the N-th pseudo-random number of row `id` (dataset.draw), $$users and so on
-- are row counts. OFFSET 0 keeps the planner from merging a subquery, which would compute its draws once per use.

INSERT INTO users (id, name, email, created_at)
SELECT id,
       ($first_names)[1 + (names & 31)::int] || ' ' || ($last_names)[1 + (names >> 5 & 31)::int],
       'user' || id || '@example.com',
       to_timestamp($epoch_s + $draw1 % $year_s)
FROM (SELECT id, $draw0 AS names FROM generate_series(1::bigint, $users) AS id OFFSET 0) AS drawn;

INSERT INTO products (id, name, price)
SELECT id, 'Product ' || id, (100 + $draw2 % 99900) * 0.01
FROM generate_series(1::bigint, $products) AS id;

-- User 1 has an order at every scale: deleting that user must be refused.
INSERT INTO orders (id, user_id, created_at)
SELECT id, CASE WHEN id = 1 THEN 1 ELSE 1 + $draw3 % $users END, to_timestamp($epoch_s + $draw4 % $year_s)
FROM generate_series(1::bigint, $orders) AS id;

-- The price is the product's, by the rule above (streams of products and items differ, so `id` is renamed).
INSERT INTO order_items (id, order_id, product_id, quantity, price)
SELECT item_id, order_id, id, quantity, (100 + $draw2 % 99900) * 0.01
FROM (
    SELECT id AS item_id, 1 + $draw5 % $ordered AS order_id, 1 + $draw6 % $products AS id, 1 + $draw7 % 5 AS quantity
    FROM generate_series(1::bigint, $order_items) AS id
    OFFSET 0
) AS drawn;

INSERT INTO notes (id, data)
SELECT id, $note
FROM generate_series(1::bigint, $notes) AS id;
