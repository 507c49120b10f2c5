include(GNUInstallDirs)
file(GLOB man8 CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/docs/man/*.8")
install(FILES ${man8} DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
