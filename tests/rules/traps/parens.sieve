if not (true) { keep; }
if anyof true { keep; }
if (true) { keep; }
