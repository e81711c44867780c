DROP TABLE access_log;
DROP TABLE feed_cursors;
DROP TABLE feed;
DROP TABLE unfed;
DROP FUNCTION must_have_event;
DROP TABLE events;
DROP TABLE streams;
