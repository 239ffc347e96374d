INSERT INTO sales.orders (number, customer_id, state, channel, ship_to)
  VALUES (9100, md5('8')::uuid, 'lost', 'phone', ROW('A', 'B', 'C', 'D', 'E'));
UPDATE sales.customers SET loyalty = loyalty + 1 WHERE number < 20;
UPDATE sales.payments SET amount_cents = amount_cents - 1 WHERE id % 3 = 0;
UPDATE catalog.pictures SET position = position + 10 WHERE product_id < 4;
DELETE FROM catalog.stock WHERE shelf = 'shelf 3';
DELETE FROM sales.order_history WHERE id < 100;
UPDATE sales.sessions SET data = '{"logged": true}';
INSERT INTO catalog.makers (name) VALUES ('Maker 13');
UPDATE catalog.reviews SET stars = 5 WHERE words LIKE '%1';
UPDATE catalog.products SET name = name || '.' WHERE id % 7 = 0;
