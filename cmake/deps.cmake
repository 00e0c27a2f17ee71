# Everything that is not ours, found on the system. Versions: docs/dependencies.md.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(dnnl REQUIRED CONFIG)
