if true { keep }
if header ["a",] "b" { stop; }
if anyof () { stop; }
/* no end
