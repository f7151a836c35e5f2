-- empty
CREATE TABLE notes (x);