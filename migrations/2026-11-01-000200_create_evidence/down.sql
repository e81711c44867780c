DROP TABLE access_log;
DROP TABLE feed_cursors;
DROP TABLE feed;
DROP TABLE unfed;
DROP TABLE events;
DROP TABLE streams;
