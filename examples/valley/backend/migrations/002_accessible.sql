-- The API returns this column for each destination.

ALTER TABLE places ADD COLUMN IF NOT EXISTS accessible boolean;
UPDATE places SET accessible = (facts ->> 'accessible')::boolean WHERE accessible IS NULL AND facts ? 'accessible';
CREATE INDEX IF NOT EXISTS news_by_time ON news (published_at DESC);
