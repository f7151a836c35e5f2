-- empty
PRAGMA encoding = 'UTF-16le'; CREATE TABLE events (seq INTEGER PRIMARY KEY, time TEXT, run TEXT, event TEXT, body TEXT); PRAGMA application_id = 1280526406; PRAGMA user_version = 2;