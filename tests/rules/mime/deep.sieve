require ["foreverypart", "include"];
foreverypart { foreverypart { foreverypart { include "deeper"; } } }
include "deeper";
