require "ihave";
if ihave "encoded-character" { nonsense; }
